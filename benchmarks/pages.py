"""What a seller waits for: `python -m benchmarks.pages`.

The application's time for the page of each state, on PostgreSQL and without a network, in milliseconds, the
median and the 95th of 200; the bar is 5 ms. Then a start: what the interpreter takes to import the
program, `serve` until it answers, and the memory of its processes.
"""

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import httpx

from benchmarks.journeys.clients import quantile
from benchmarks.soak import family, resident
from onboarding import db, logs
from onboarding.chart import STATES
from onboarding.migrations import upgrade
from onboarding.sealing import open_keyring
from onboarding.settings import Settings
from tests import builders
from tests.servers.folders import server_folder
from tests.servers.ports import free_port
from tests.servers.postgres import postgres_server
from tests.web.asking import answered
from tests.web.visiting import BASE, Visitor, a_site, a_visitor

ROUNDS: Final = 200
BAR: Final = 5.0
ONBOARDING: Final = Path(sys.executable).with_name("onboarding")


def main() -> None:
    logs.configure(Settings(log_level="error"))
    with server_folder() as folder:
        os.environ["ONBOARDING_KEYS_DIR"] = str(folder / "keys")
        os.environ["ONBOARDING_MAIL_DIR"] = str(folder / "mail")
        ring = open_keyring(folder / "keys")
        with postgres_server(folder) as server:
            upgrade(db.connect(server.create_database("pages")))
            all_made = {state: builders.an_onboarding(state) for state in STATES}
            site = a_site(ring)
            for state, made in all_made.items():
                visitor = a_visitor(site, made)
                took = asyncio.run(times(visitor, visitor.home(made)))
                late = 1000 * quantile(took, 0.95)
                told = {
                    "state": state,
                    "median_ms": round(1000 * quantile(took, 0.5), 1),
                    "p95_ms": round(late, 1),
                    "met": late <= BAR,
                }
                print(json.dumps(told), flush=True)
            db.engine().dispose()
        print(json.dumps(start(folder)))


async def times(visitor: Visitor, path: str) -> list[float]:
    """Seconds of the application for each answer, after a few that nobody counts."""
    took = []
    for _ in range(ROUNDS + 10):
        began = time.perf_counter()
        await shown(visitor, path)
        took.append(time.perf_counter() - began)
    return took[10:]


async def shown(visitor: Visitor, path: str) -> None:
    """A page, asked of the application itself."""
    cookies = "; ".join(f"{name}={value}" for name, value in visitor.cookies.items())
    headers = {"cookie": cookies, "accept": "text/html"}
    status, _ = await answered(visitor.app, "GET", f"{BASE}{path}", headers)
    assert status == 200, (path, status)


def start(folder: Path) -> dict[str, object]:
    """Seconds, and MB of each process."""
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", "import workers.cli"], check=True)
    imported = time.perf_counter() - began
    with serving(folder) as (process, url):
        began = time.perf_counter()
        until_ready(url)
        ready = time.perf_counter() - began
        memory = [resident(each) for each in family(process.pid)]
    return {
        "import_s": round(imported, 2),
        "serve_until_ready_s": round(ready, 2),
        "serve_memory_mb": memory,
    }


@contextmanager
def serving(folder: Path) -> Iterator[tuple["subprocess.Popen[bytes]", str]]:
    port = free_port()
    more = {
        "ONBOARDING_PORT": str(port),
        "ONBOARDING_DATABASE_URL": f"sqlite:///{folder / 'onboarding.db'}",
    }
    process = subprocess.Popen(
        [ONBOARDING, "serve"],
        env=os.environ | more,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield process, f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(30)


def until_ready(url: str) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            if httpx.get(f"{url}/readyz").status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.01)
    raise TimeoutError("it never was ready")


if __name__ == "__main__":
    main()
