"""How long the console takes while all else is away: `python -m benchmarks.alone [--onboardings 50000]`.

On PostgreSQL, with so many onboardings, 5,000 incidents, a run, and no worker. Every page of the
console that there is, for an admin, in milliseconds, the median and the 95th: first with a broker that
is stopped, then with one that takes whatever it is sent and never answers. The bar is 500 ms.
"""

import argparse
import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import select

from benchmarks.console import percentiles, seed
from onboarding import db, logs, outbox
from onboarding.db import reading
from onboarding.migrations import upgrade
from onboarding.models import Message
from onboarding.sealing import Keyring, open_keyring
from onboarding.settings import Settings
from onboarding.web.app import create_app
from tests.acting import a_lead
from tests.at_runs import AT_ONCE, begin, look
from tests.servers.fault_proxy import fault_proxy
from tests.servers.folders import server_folder
from tests.servers.ports import free_port
from tests.servers.postgres import postgres_server
from tests.servers.valkey import Valkey
from tests.web.operating import at_console
from tests.web.test_console import pages

ROUNDS = 40
BAR = 500.0


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--onboardings", type=int, default=50_000)
    count = asked.parse_args().onboardings
    logs.configure(Settings(log_level="error"))
    with server_folder() as folder, postgres_server(folder) as server:
        os.environ["ONBOARDING_KEYS_DIR"] = str(folder / "keys")
        ring = open_keyring(folder / "keys")
        engine = db.connect(server.create_database("alone"))
        upgrade(engine)
        seed(engine, count)
        outbox.publish_with(None)
        begin(ring, a_lead(), look(a_lead(), "note", failing="yes"), AT_ONCE)
        paths = every_page()
        found = {}
        for how, broker in (("stopped", stopped()), ("half-open", half_open(folder))):
            with broker as url:
                found[how] = measured(ring, url, paths)
    worst = {how: max(each["p95"] for each in pages.values()) for how, pages in found.items()}
    print(json.dumps({"onboardings": count, "worst_p95": worst, "ms": found}, indent=1))
    sys.exit(max(worst.values()) > BAR)


@contextmanager
def stopped() -> Iterator[str]:
    yield f"redis://127.0.0.1:{free_port()}/0"


@contextmanager
def half_open(folder: Path) -> Iterator[str]:
    with Valkey.start(folder) as valkey, fault_proxy(urlsplit(valkey.url).port or 0) as proxy:
        proxy.swallow()
        yield f"redis://127.0.0.1:{proxy.port}/0"


def every_page() -> list[str]:
    """From the router, about an onboarding that has an incident."""
    incident = select(Message.onboarding_id).where(Message.failed_at.is_not(None)).limit(1)
    with reading() as session:
        found = session.scalar(incident)
    assert found is not None
    paths = [path for method, path, _ in pages(found) if method == "GET"]
    # A look at many takes as long as there are many, whatever is away: `benchmarks.console` has it.
    few = "?action=note&failing=yes&q=Q-1"
    more = {"/en/console/bulk/new": few, "/en/console/bulk/new.csv": few}
    return [path + more.get(path, "") for path in dict.fromkeys(paths)]


def measured(ring: Keyring, broker: str, paths: list[str]) -> dict[str, Any]:
    """Every answer counts, also one that says that something makes no sense now."""
    app = create_app(Settings(broker_url=broker), ring)
    app.state.live.lasts = 0.0
    visitor = at_console(app, "admin")
    taken = {}
    for path in paths:
        status = visitor.get(path).status_code
        assert status < 500, f"{path}: {status}"
        spent = percentiles(lambda path=path: visitor.get(path), ROUNDS)  # type: ignore[misc]
        taken[path] = {"status": status, **spent}
    return taken


if __name__ == "__main__":
    main()
