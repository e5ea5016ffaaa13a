/* The limit: an epoll server in C that does nothing but write the same bytes to all of its streams.
 *
 * usage: limit PORT PUBLISHING
 * Streams are opened with GET /a or /b on PORT. On PUBLISHING comes a channel's letter, a length in four bytes, and an
 * event, again and again. What a socket does not take waits in a list of its own, as in ours.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

static const char HEAD[] = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n: hello\n\n";
static struct stream { char channel, *waiting; size_t size, sent; } streams[200000];
static int numbers[2][100000], counts[2], poll;

static int listener(int port) {
    int found = socket(AF_INET, SOCK_STREAM, 0), yes = 1;
    struct sockaddr_in here = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(0x7f000001)};
    setsockopt(found, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (bind(found, (struct sockaddr *)&here, sizeof here) || listen(found, 2048)) exit(3);
    return found;
}

static void watch(int fd, int what, int operation) {
    struct epoll_event event = {.events = what, .data.fd = fd};
    epoll_ctl(poll, operation, fd, &event);
}

static void keep(struct stream *one, const char *data, size_t size) {
    one->waiting = realloc(one->waiting, one->size + size);
    memcpy(one->waiting + one->size, data, size);
    one->size += size;
}

static void give(int fd, const char *data, size_t size) {
    struct stream *one = &streams[fd];
    if (one->waiting) { keep(one, data, size); return; }
    ssize_t sent = write(fd, data, size);
    if (sent < 0 && errno != EAGAIN) return; /* has gone */
    if (sent < 0) sent = 0;
    if ((size_t)sent < size) {
        keep(one, data + sent, size - sent);
        watch(fd, EPOLLOUT, EPOLL_CTL_MOD);
    }
}

static void flush(int fd) {
    struct stream *one = &streams[fd];
    ssize_t sent = one->waiting ? write(fd, one->waiting + one->sent, one->size - one->sent) : 0;
    if (sent > 0) one->sent += sent;
    if (one->sent < one->size) return;
    free(one->waiting);
    one->waiting = NULL;
    one->size = one->sent = 0;
    watch(fd, 0, EPOLL_CTL_MOD);
}

static int whole(int fd, void *into, size_t size) {
    for (size_t have = 0; have < size;) {
        ssize_t more = read(fd, (char *)into + have, size - have);
        if (more <= 0) return 0;
        have += more;
    }
    return 1;
}

int main(int argc, char **argv) {
    if (argc != 3) return 2;
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    signal(SIGPIPE, SIG_IGN);
    poll = epoll_create1(0);
    int readers = listener(atoi(argv[1])), publishers = listener(atoi(argv[2])), publisher = -1;
    watch(readers, EPOLLIN, EPOLL_CTL_ADD);
    watch(publishers, EPOLLIN, EPOLL_CTL_ADD);
    struct epoll_event events[1024];
    for (;;) {
        int ready = epoll_wait(poll, events, 1024, -1);
        for (int number = 0; number < ready; number++) {
            int fd = events[number].data.fd;
            if (fd == readers) {
                int one = accept(readers, NULL, NULL);
                char request[4096];
                if (one < 0 || read(one, request, sizeof request) < 6) continue;
                int place = request[5] == 'b';
                numbers[place][counts[place]++] = one;
                if (write(one, HEAD, sizeof HEAD - 1) < 0) continue;
                fcntl(one, F_SETFL, O_NONBLOCK);
                watch(one, 0, EPOLL_CTL_ADD);
            } else if (fd == publishers) {
                publisher = accept(publishers, NULL, NULL);
                watch(publisher, EPOLLIN, EPOLL_CTL_ADD);
            } else if (fd == publisher) {
                char channel;
                uint32_t size;
                static char data[1 << 20];
                if (!whole(fd, &channel, 1) || !whole(fd, &size, 4) || (size = ntohl(size)) > sizeof data ||
                    !whole(fd, data, size)) { close(fd); continue; }
                int place = channel == 'b';
                for (int at = 0; at < counts[place]; at++) give(numbers[place][at], data, size);
            } else if (events[number].events & (EPOLLHUP | EPOLLERR)) {
                epoll_ctl(poll, EPOLL_CTL_DEL, fd, NULL);
            } else flush(fd);
        }
    }
}
