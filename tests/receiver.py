"""Somebody else's server, on this machine: remembers what it was told and answers as the test wants."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Told:
    headers: dict[str, str]
    body: bytes


@dataclass
class Receiver:
    """`status` is what it answers with, `headers` and `text` beside it; `acts` may do something stranger instead."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    text: bytes = b"thanks"
    told: list[Told] = field(default_factory=list)
    acts: Callable[[BaseHTTPRequestHandler], None] | None = None
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook?of=baton"

    @property
    def ids(self) -> list[str]:
        return [one.headers["webhook-id"] for one in self.told]


@contextmanager
def receiver() -> Iterator[Receiver]:
    """Run a receiver on a port of its own."""
    ours = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            ours.told.append(Told({name.lower(): value for name, value in self.headers.items()}, body))
            if ours.acts:
                ours.acts(self)
                return
            self.send_response(ours.status)
            for name, value in ours.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(ours.text)))
            self.end_headers()
            self.wfile.write(ours.text)

        def do_GET(self) -> None:
            raise AssertionError("nobody asks")

        def log_message(self, *told: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads, request_queue_size = True, 64

        def handle_error(self, request: object, client_address: object) -> None:
            pass

    server = Server(("127.0.0.1", 0), Handler)
    ours.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield ours
    finally:
        server.shutdown()
        server.server_close()


def closed_port() -> int:
    """Return a port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
