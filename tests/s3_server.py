"""An S3 server in this process, whose requests tests may let fail in any way."""

import contextlib
import os
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any

from localbucket import S3Handler

from warehouse.storage.s3.s3_root import S3Root

BUCKET = "videos"
KEYS = {"AWS_ACCESS_KEY_ID": "AKIATESTTESTTEST", "AWS_SECRET_ACCESS_KEY": "s3cr3t-of-the-tests"}

Fault = Callable[[Any], str]
"""Told of a request by its handler, says what becomes of it: one of `FAULTS`, or '' for nothing."""

FAULTS = ("slow down", "unavailable", "cut", "cut in the body", "lost reply")


@dataclass
class S3Server:
    """A running server."""

    data: Path
    """The folder of its buckets."""
    url: str
    fault: Fault = lambda _: ""
    requests: list[str] = field(default_factory=list)
    """Method and key of each request, in the order of their arrival."""

    def root(self, cache: Path, prefix: str = "store") -> S3Root:
        """The root of a store in its bucket."""
        return S3Root(BUCKET, prefix, cache, 10**9)


def _handler(server: S3Server) -> type[S3Handler]:
    class Handler(S3Handler):  # type: ignore[misc]
        data_root = server.data

        def log_message(self, *_: object) -> None:
            pass

        def _dispatch(self, answer: Callable[[], None]) -> None:
            server.requests.append(f"{self.command} {self.path.partition('?')[0]}")
            match server.fault(self):
                case "":
                    super()._dispatch(answer)
                case "slow down" | "unavailable" as word:
                    self._refuse(word)
                case "lost reply":
                    self.wfile, wire = _Nowhere(), self.wfile
                    with contextlib.suppress(OSError):
                        super()._dispatch(answer)
                    self.wfile = wire
                    self._cut()
                case "cut in the body":
                    self.rfile.read(int(self.headers.get("Content-Length", 0)) // 2)
                    self._cut()
                case _:
                    self._cut()

        def _refuse(self, word: str) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            code = {"slow down": "SlowDown", "unavailable": "ServiceUnavailable"}[word]
            body = f"<Error><Code>{code}</Code><Message>{word}</Message></Error>".encode()
            self.send_response(503)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        def _cut(self) -> None:
            self.close_connection = True
            with contextlib.suppress(OSError):
                self.connection.shutdown(socket.SHUT_RDWR)

    return Handler


class _Nowhere:
    def write(self, payload: bytes) -> int:
        return len(payload)

    def flush(self) -> None:
        pass

    def close(self) -> None:
        pass

    closed = False


@contextlib.contextmanager
def serving(data: Path) -> Iterator[S3Server]:
    """Run a server with one empty bucket; the environment of this process leads there."""
    (data / BUCKET).mkdir(parents=True, exist_ok=True)
    server = S3Server(data, "")
    listener = ThreadingHTTPServer(("127.0.0.1", 0), _handler(server))
    listener.daemon_threads = True
    server.url = f"http://127.0.0.1:{listener.server_address[1]}"
    thread = threading.Thread(target=listener.serve_forever, args=(0.05,))
    thread.start()
    os.environ.update(
        KEYS, AWS_ENDPOINT_URL=server.url, AWS_ALLOW_HTTP="true", AWS_REGION="us-east-1"
    )
    try:
        yield server
    finally:
        listener.shutdown()
        thread.join()
        listener.server_close()
