"""Another system's endpoint, as a process of its own that nobody kills: it writes down what it is sent.

python -m tests.faults.listener FILE
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any


@contextmanager
def a_listener(file: Path) -> Iterator[str]:
    """Until the end of the block; the URL below which it takes everything."""
    command = [sys.executable, "-m", "tests.faults.listener", str(file)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
        finally:
            process.kill()


def heard(file: Path) -> list[tuple[str, str, int]]:
    """Path, onboarding and place in its history of all that came, in the order in which it came."""
    return [tuple(json.loads(line)) for line in file.read_text().splitlines()]


def _serve(file: Path) -> None:
    out = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            data = json.loads(self.rfile.read(int(self.headers["content-length"])))["data"]
            line = json.dumps([self.path, data["onboarding_id"], data["sequence"]])
            os.write(out, line.encode() + b"\n")
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """It says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    sys.stdout.write(f"{server.server_port}\n")
    sys.stdout.flush()
    server.serve_forever()


if __name__ == "__main__":
    _serve(Path(sys.argv[1]))
