"""What does a client send to a server, and what if a refusal looked otherwise? A door of the server's public URL that writes
down who came, and can answer a GET without a token as if the server looked at the method first (405).

    with Door(get_is=405) as door:     door.url is for the server's --public-url, door.upstream for its --port
        …                              door.seen: a line for each request
"""

import http.client
import socket
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Seen:
    method: str
    path: str
    version: str | None  # of the protocol
    token: bool
    status: int


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


class Visitor(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def pass_on(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        server = http.client.HTTPConnection("127.0.0.1", self.server.upstream, timeout=60)
        server.request(self.command, self.path, body or None, {**self.headers, "connection": "close"})
        answer = server.getresponse()
        text, status = answer.read(), answer.status
        headers = [(name, value) for name, value in answer.getheaders() if name not in ("connection", "content-length", "transfer-encoding")]
        server.close()
        token = "authorization" in self.headers
        if self.server.get_is and self.command == "GET" and status == 401 and not token:
            status, text, headers = self.server.get_is, b"", [("allow", "POST")]
        self.server.seen.append(Seen(self.command, self.path, self.headers.get("mcp-protocol-version"), token, status))
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        if status not in (202, 204):
            self.send_header("content-length", str(len(text)))
        elif status == 202:
            self.send_header("content-length", "0")
        self.end_headers()
        self.wfile.write(text)

    do_GET = do_POST = do_DELETE = do_OPTIONS = pass_on

    def log_message(self, *_) -> None:
        pass


class Door(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, get_is: int | None = None) -> None:
        super().__init__(("127.0.0.1", 0), Visitor)
        self.get_is, self.upstream, self.seen = get_is, free_port(), []
        self.url = f"http://localhost:{self.server_port}"

    def __enter__(self):
        threading.Thread(target=self.serve_forever, daemon=True).start()
        return self

    def handle_error(self, *_) -> None:
        """Whoever goes away before the answer does not want it."""

    def __exit__(self, *_) -> None:
        self.shutdown()
        self.server_close()
