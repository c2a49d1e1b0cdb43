"""A small web server that stands for all services in the unit tests."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from support_bot import tools


class Services(ThreadingHTTPServer):
    """Answers what the test puts into `answers`, keyed by method and path."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers: dict[str, object] = {}


class Handler(BaseHTTPRequestHandler):
    def answer(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        body = json.dumps(self.server.answers[f"{self.command} {self.path.partition('?')[0]}"]).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = answer

    def log_message(self, format: str, *args: object) -> None:
        """Keep the test's output clean."""


@pytest.fixture
def services(monkeypatch):
    with Services() as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        for name in ("ORDERS", "KNOWLEDGE_BASE", "MAIL"):
            monkeypatch.setattr(tools, name, f"http://127.0.0.1:{server.server_port}")
        yield server
        server.shutdown()
