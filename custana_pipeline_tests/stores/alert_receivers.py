"""Receivers of alerts on loopback: a web server and a mail server that keep what they are given."""

import json
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Receiver:
    """Where it listens, what it answers, and what it was given."""

    port: int = 0
    answers: list[int] = field(default_factory=list)
    """Statuses of the next answers; 200 when there are none left."""
    got: list[Any] = field(default_factory=list)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}/hooks/T0P-SECRET"


@contextmanager
def web_receiver(*answers: int) -> Iterator[Receiver]:
    receiver = Receiver(answers=list(answers))

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status = receiver.answers.pop(0) if receiver.answers else 200
            if status == 200:
                receiver.got.append(json.loads(body))
            self.send_response(status)
            if status == 302:
                self.send_header("Location", receiver.address)
            self.end_headers()

        def log_message(self, *_: Any) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        receiver.port = server.server_address[1]
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield receiver
        server.shutdown()


@contextmanager
def mail_receiver(refusal: bytes = b"") -> Iterator[Receiver]:
    receiver = Receiver()

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self.wfile.write(b"220 here\r\n")
            told: list[bytes] = []
            while line := self.rfile.readline():
                if line.upper().startswith(b"DATA"):
                    self.wfile.write(refusal or b"354 go on\r\n")
                    if refusal:
                        continue
                    while (part := self.rfile.readline()) != b".\r\n":
                        told.append(part)
                    receiver.got.append(b"".join(told).decode())
                self.wfile.write(b"221 bye\r\n" if line.upper().startswith(b"QUIT") else b"250 ok\r\n")

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        receiver.port = server.server_address[1]
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield receiver
        server.shutdown()
