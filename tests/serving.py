"""An application on a free loopback port, in a thread of the test."""

import logging
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from typing import Any

from werkzeug.serving import make_server
from werkzeug.wsgi import ClosingIterator

from tests.services import HOST


@contextmanager
def serving(application: Any, port: int = 0) -> Iterator[str]:
    """Serve a WSGI application; give its address."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = make_server(HOST, port, _whole(application), threaded=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield f"http://{HOST}:{server.server_port}"
    finally:
        server.shutdown()
        thread.join(5)
        server.server_close()


def _whole(application: Any) -> Callable[..., Iterable[bytes]]:
    """Read answers to their end at once: werkzeug leaves a file open when a browser hangs up at the wrong moment."""

    def answer(environ: Any, start_response: Any) -> Iterable[bytes]:
        with closing(ClosingIterator(application(environ, start_response))) as body:
            return [b"".join(body)]

    return answer
