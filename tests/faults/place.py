"""Where the chaos takes place: servers, a migrated database, keys, and a folder that visitors leave traces in."""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from celery import Celery

from onboarding import access, db, endpoints, logs, registry, sources, webhooks
from onboarding.access import SCOPES
from onboarding.db import transaction
from onboarding.migrations import upgrade
from onboarding.models import ApiKey
from onboarding.sealing import Keyring, open_keyring
from onboarding.settings import settings
from onboarding.webhooks import Endpoint
from tests.faults.listener import a_listener
from tests.servers.folders import server_folder
from tests.servers.postgres import Postgres
from tests.servers.valkey import Valkey
from workers.app import app

# Who tells us what happens at the marketplace.
SOURCE: Final = "https://marketplace.example"
# What is listened to where. Whoever is told of everything would be sent more than hundreds of kills let through.
ENDPOINTS: Final[Mapping[str, Sequence[str]]] = {
    "/ends": ("onboarding.started", "onboarding.confirmed"),
    "/secrets": ("onboarding.id_issued", "onboarding.secret_revealed"),
}


@dataclass(frozen=True)
class Place:
    """What every child needs: made by the parent before it forks."""

    folder: Path
    celery: Celery
    key: ApiKey
    ring: Keyring
    endpoints: Mapping[str, Sequence[str]]

    @property
    def under_way(self) -> Path:
        return self.folder / "under-way"

    @property
    def arrived(self) -> Path:
        return self.folder / "arrived"

    @property
    def heard(self) -> Path:
        """What endpoints were sent."""
        return self.folder.with_name("heard")

    @property
    def closed(self) -> Path:
        """Once this file is there, nobody new comes."""
        return self.folder / "closed"


@contextmanager
def a_place(database: str, log_level: str) -> Iterator[tuple[Place, Postgres | None]]:
    """Servers, a migrated database, a keyring and an API key; the environment says where they are."""
    with server_folder() as folder, _servers(database, folder) as (url, broker, postgres):
        os.environ |= {
            "ONBOARDING_DATABASE_URL": url,
            "ONBOARDING_KEYS_DIR": str(folder / "keys"),
            "ONBOARDING_MAIL_DIR": str(folder / "mail"),
            "ONBOARDING_LOG_LEVEL": log_level,
            "ONBOARDING_LOG_FORMAT": "json",
        }
        settings.cache_clear()
        logs.configure(settings())
        ring = open_keyring(settings().keys_dir)
        upgrade(db.connect(url))
        with transaction() as session:
            registry.add_samples(session)
            key = access.create_api_key(session, "chaos", SCOPES)[0]
            sources.add(session, ring, SOURCE)
        app.conf.broker_url = broker
        place = Place(folder / "visitors", app, key, ring, ENDPOINTS)
        place.under_way.mkdir(parents=True)
        place.arrived.mkdir()
        with a_listener(place.heard) as listening:
            _listen(place, listening)
            yield place, postgres
        db.engine().dispose()


def _listen(place: Place, address: str) -> None:
    """Have the endpoints told, for the system whose key the visitors use."""
    rules, base = endpoints.rules(settings()), settings().public_url
    with transaction() as session:
        for path, types in place.endpoints.items():
            said = Endpoint(address + path, types)
            webhooks.add(session, place.ring, place.key.system_id, said, rules, base)


@contextmanager
def _servers(database: str, folder: Path) -> Iterator[tuple[str, str, Postgres | None]]:
    if database == "sqlite":
        yield f"sqlite:///{folder / 'onboarding.db'}", "", None
        return
    with Postgres.start(folder) as postgres, Valkey.start(folder) as valkey:
        yield postgres.create_database("chaos"), valkey.url, postgres
