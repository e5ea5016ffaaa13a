/* Opens many event streams and says when events arrive on them.
 *
 * usage: listener HOST PORT REQUESTS
 * REQUESTS is a file with one HTTP request per connection, each preceded by its length in bytes on a line of its own.
 *
 * The body of an event ends with a mark: "@@" and the moment of publishing, 16 hexadecimal digits of nanoseconds on the
 * monotonic clock. Lines on the standard input: "clear" forgets what came, "tell" prints a line
 * "COUNT P50 P95 P99 MAX SPAN", milliseconds from publishing to receipt, the last from the first publishing to the
 * last receipt; "open" prints the number of connections that are open.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MARK 18
#define MOST 4000000

struct stream { int fd, headed, kept; char tail[MARK]; };

static struct stream *streams;
static int opened, headed_count;
static double *took;
static size_t count;
static int64_t first_sent, last_seen;
static char buffer[1 << 18];

static int64_t now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static int compare(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void note(const char *digits) {
    char text[17];
    memcpy(text, digits, 16);
    text[16] = 0;
    int64_t sent = strtoull(text, NULL, 16), seen = now();
    if (count < MOST) took[count] = (seen - sent) / 1e6;
    count++;
    if (!first_sent || sent < first_sent) first_sent = sent;
    last_seen = seen;
}

/* Finds marks, also those of which the last reading brought only a part. memchr looks at many bytes at once, memmem does
 * not: with it, the readers took longer than the servers. */
static void scan(struct stream *one, char *data, size_t size) {
    char *at = data, *end = data + size;
    while ((at = memchr(at, '@', end - at)) && end - at >= MARK) {
        if (at[1] == '@') {
            note(at + 2);
            at += MARK;
        } else at++;
    }
    one->kept = at ? end - at : 0;
    memcpy(one->tail, at ? at : end, one->kept);
}

static int receive(struct stream *one) {
    memcpy(buffer, one->tail, one->kept);
    ssize_t size = recv(one->fd, buffer + one->kept, sizeof buffer - one->kept, 0);
    if (size < 0 && errno == EAGAIN) return 1;
    if (size <= 0) return 0;
    if (!one->headed) {
        if (memmem(buffer, one->kept + size, " 200 ", 5)) { one->headed = 1; headed_count++; }
        else return 0;
    }
    scan(one, buffer, one->kept + size);
    return 1;
}

static void tell(void) {
    size_t known = count < MOST ? count : MOST;
    qsort(took, known, sizeof *took, compare);
#define AT(share) (known ? took[(size_t)((known - 1) * share)] : 0)
    printf("%zu %.2f %.2f %.2f %.2f %.2f\n", count, AT(0.50), AT(0.95), AT(0.99), AT(1.0),
           count ? (last_seen - first_sent) / 1e6 : 0);
}

static void command(void) {
    char line[64];
    if (!fgets(line, sizeof line, stdin)) exit(0);
    if (!strncmp(line, "clear", 5)) count = first_sent = last_seen = 0, puts("cleared");
    else if (!strncmp(line, "count", 5)) printf("%zu\n", count);
    else if (!strncmp(line, "tell", 4)) tell();
    else if (!strncmp(line, "open", 4)) printf("%d\n", headed_count);
    fflush(stdout);
}

int main(int argc, char **argv) {
    if (argc != 4) return fprintf(stderr, "usage: listener HOST PORT REQUESTS\n"), 2;
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    took = malloc(MOST * sizeof *took);
    int poll = epoll_create1(0), total = 0, flying = 0;
    FILE *requests = fopen(argv[3], "r");
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL}, events[1024];
    epoll_ctl(poll, EPOLL_CTL_ADD, 0, &event);
    struct sockaddr_in there = {.sin_family = AF_INET, .sin_port = htons(atoi(argv[2]))};
    inet_pton(AF_INET, argv[1], &there.sin_addr);
    streams = calloc(200000, sizeof *streams);
    setvbuf(stdin, NULL, _IONBF, 0);
    for (int done = 0;;) {
        /* At most a hundred handshakes at a time: this is no test of them. */
        flying = opened - headed_count;
        while (!done && flying < 100) {
            int length;
            if (fscanf(requests, "%d\n", &length) != 1) { done = 1; break; }
            static char request[65536];
            if (fread(request, 1, length, requests) != (size_t)length) return 3;
            struct stream *one = &streams[total++];
            one->fd = socket(AF_INET, SOCK_STREAM, 0);
            /* Addresses of our own, so that the ports suffice. */
            struct sockaddr_in here = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f000002 + total % 8)};
            int yes = 1;
            setsockopt(one->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &yes, sizeof yes);
            if (one->fd < 0 || bind(one->fd, (struct sockaddr *)&here, sizeof here) ||
                connect(one->fd, (struct sockaddr *)&there, sizeof there)) { perror("connect"); return 4; }
            if (write(one->fd, request, length) != length) return 5;
            fcntl(one->fd, F_SETFL, O_NONBLOCK);
            event.data.ptr = one;
            epoll_ctl(poll, EPOLL_CTL_ADD, one->fd, &event);
            opened++;
            flying++;
        }
        int ready = epoll_wait(poll, events, 1024, -1);
        for (int number = 0; number < ready; number++) {
            struct stream *one = events[number].data.ptr;
            if (!one) { command(); continue; }
            if (!receive(one)) {
                if (one->headed) headed_count--;
                opened--;
                close(one->fd);
            }
        }
    }
}
