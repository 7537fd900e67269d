"""A small API: JSON, an echo of what arrives, a WebSocket, server-sent events, uploads. Python's own library only."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import select
import ssl
import struct
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
"""What every WebSocket server adds to the key: https://www.rfc-editor.org/rfc/rfc6455#section-1.3."""

LONG, CLOSE = 126, 8
"""The length of a frame whose length follows, and the kind of the frame that ends a connection."""


class Api(BaseHTTPRequestHandler):
    """Answers below /api."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        """Log nothing."""

    def do_GET(self) -> None:
        """Answer by the last part of the path."""
        name = self.path.partition("?")[0].rpartition("/")[2]
        answers = {"echo": self.echo, "socket": self.socket, "events": self.events, "hang": self.hang}
        answers.get(name, self.missing)()

    do_DELETE = do_GET  # noqa: N815 - the library has that form

    def do_POST(self) -> None:
        """Take the whole body, and say how large it was."""
        size, length = 0, int(self.headers.get("Content-Length", 0))
        while size < length:
            size += len(self.rfile.read(min(1 << 16, length - size)))
        self.answer(200, {"size": size})

    def answer(self, status: int, content: object) -> None:
        """Send JSON, with headers of the API's own."""
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Cache-Control", "private, max-age=7")
        self.end_headers()
        self.wfile.write(body)

    def echo(self) -> None:
        """Send back what arrived."""
        headers = {name.lower(): self.headers.get_all(name) for name in self.headers}
        self.answer(200, {"path": self.path, "method": self.command, "headers": headers, "host": os.uname().nodename})

    def missing(self) -> None:
        """Refuse a path in the API's own words."""
        self.answer(404, {"error": f"no route {self.path}"})

    def hang(self) -> None:
        """Answer nothing until the client hangs up."""
        self.rfile.read(1)

    def events(self) -> None:
        """Send an event every tenth of a second, until the client hangs up."""
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        for number in range(100):
            self.wfile.write(f"data: {number}\n\n".encode())
            self.wfile.flush()
            if select.select([self.connection], [], [], 0.1)[0]:
                break

    def socket(self) -> None:
        """Take the connection over, and send each message back."""
        if self.headers.get("Upgrade", "").lower() != "websocket":
            self.answer(426, {"error": "no WebSocket"})
            return
        key = (self.headers["Sec-WebSocket-Key"] + GUID).encode()
        self.send_response(101)
        self.send_header("Upgrade", "websocket")
        self.send_header("Connection", "Upgrade")
        self.send_header(
            "Sec-WebSocket-Accept", base64.b64encode(hashlib.sha1(key, usedforsecurity=False).digest()).decode()
        )
        self.end_headers()
        self.close_connection = True
        while frame := self.rfile.read(2):
            length = frame[1] & 127
            if length == LONG:  # the next two bytes have it
                (length,) = struct.unpack(">H", self.rfile.read(2))
            mask = self.rfile.read(4)
            text = bytes(byte ^ mask[index % 4] for index, byte in enumerate(self.rfile.read(length)))
            if frame[0] & 15 == CLOSE:
                return
            header = (
                struct.pack(">BB", frame[0], length) if length < LONG else struct.pack(">BBH", frame[0], LONG, length)
            )
            self.wfile.write(header + text)


def serve_https(port: int, cert: str, key: str) -> None:
    """Serve in the background with a certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    server = ThreadingHTTPServer(("", port), Api)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()


if __name__ == "__main__":
    if len(sys.argv) > 2:  # after the port: the files of a certificate and its key
        serve_https(int(sys.argv[1]) + 1, *sys.argv[2:])
    ThreadingHTTPServer(("", int(sys.argv[1])), Api).serve_forever()
