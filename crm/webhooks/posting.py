"""One POST to somebody else's server: to a checked address, without redirects, twenty seconds and 64 kB at most."""

from __future__ import annotations

import http.client
import socket
import ssl
import threading
import time
from dataclasses import dataclass

from crm.models import WebhookAttempt
from crm.webhooks import addresses

LONGEST_SECONDS = 20.0
MOST_BYTES = 64 * 1024
SHOWN_CHARACTERS = 1000
Outcome = WebhookAttempt.Outcome


@dataclass(frozen=True)
class Request:
    """What is sent; `body` is bytes already, as it was signed."""

    url: str
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True)
class Answer:
    """What came back. `text` is empty unless the receiver is public; `wait` are the seconds it asked for."""

    outcome: str
    milliseconds: int
    status: int | None = None
    text: str = ""
    wait: int | None = None


class _Line:
    """A connection that ends by itself when its time is up, however slowly the other side speaks."""

    def __init__(self, seconds: float) -> None:
        self.until = time.monotonic() + seconds
        self.socket: socket.socket | None = None
        self.was_cut = False
        self._timer = threading.Timer(seconds, self._cut)
        self._timer.daemon = True

    def __enter__(self) -> _Line:
        self._timer.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._timer.cancel()
        if self.socket is not None:
            self.socket.close()

    def _cut(self) -> None:
        self.was_cut = True
        if self.socket is not None:
            try:
                self.socket.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    @property
    def left(self) -> float:
        return max(0.1, self.until - time.monotonic())

    def connect(self, where: addresses.Target) -> bool:
        """Connect to the first address that may be connected to and answers; return whether it is a public one."""
        found = addresses.resolved(where)
        for ip in found:
            addresses.may_connect(where, ip)
        problem: OSError = OSError("no address")
        for ip in found:
            try:
                self.socket = socket.create_connection((str(ip), where.port), timeout=self.left)
            except OSError as error:
                problem = error
                continue
            if where.scheme == "https":
                self._secure(where.host)
            return addresses.is_public(ip)
        raise problem

    def _secure(self, host: str) -> None:
        context = ssl.create_default_context()
        assert self.socket is not None
        secured = context.wrap_socket(self.socket, server_hostname=host, do_handshake_on_connect=False)
        self.socket = secured
        secured.do_handshake()


def post(request: Request, seconds: float = LONGEST_SECONDS) -> Answer:
    """Send and return what came of it; nothing is raised."""
    began = time.monotonic()

    def told(outcome: str, **more: object) -> Answer:
        return Answer(outcome, int((time.monotonic() - began) * 1000), **more)  # type: ignore[arg-type]

    with _Line(seconds) as line:
        try:
            where = addresses.target(request.url)
            public = line.connect(where)
            response = _send(line, where, request)
            wait = _seconds(response.headers.get("Retry-After", ""))
            text = _read(response)
        except addresses.NotAllowed:
            return told(Outcome.ADDRESS)
        except ssl.SSLCertVerificationError:
            return told(Outcome.CERTIFICATE)
        except (OSError, http.client.HTTPException, UnicodeError) as error:
            late = line.was_cut or isinstance(error, TimeoutError)
            return told(Outcome.TIMEOUT if late else Outcome.NO_CONNECTION)
    shown = text.decode("utf-8", "replace").replace("\x00", "")[:SHOWN_CHARACTERS] if public else ""
    return told(_outcome(response.status), status=response.status, text=shown, wait=wait)


def _send(line: _Line, where: addresses.Target, request: Request) -> http.client.HTTPResponse:
    assert line.socket is not None
    line.socket.settimeout(line.left)
    connection = http.client.HTTPConnection(where.host, where.port)
    connection.sock = line.socket  # connected to the checked address already; http.client asks no name again
    headers = {"Host": where.host_header, "Accept-Encoding": "identity", "Connection": "close"}
    connection.request("POST", where.path, request.body, headers | request.headers)
    return connection.getresponse()


def _read(response: http.client.HTTPResponse) -> bytes:
    """Read what the receiver says, at most 64 kB; it has taken or refused the message already, so errors end it."""
    read = bytearray()
    try:
        while len(read) < MOST_BYTES and (part := response.read1(MOST_BYTES - len(read))):
            read += part
    except (OSError, http.client.HTTPException, ValueError):
        pass
    return bytes(read)


def _outcome(status: int) -> str:
    if 200 <= status < 300:
        return Outcome.TAKEN
    if status == 410:
        return Outcome.GONE
    return Outcome.REDIRECT if 300 <= status < 400 else Outcome.REFUSED


def _seconds(text: str) -> int | None:
    """Read a Retry-After in seconds, a day at most; None for anything else."""
    return min(int(text), 86_400) if text.isascii() and text.isdigit() and len(text) < 8 else None
