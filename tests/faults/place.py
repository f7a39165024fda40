"""Where the chaos takes place: servers, a migrated database, keys, and a folder that visitors leave traces in."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from celery import Celery

from onboarding import access, db, logs, registry
from onboarding.access import SCOPES
from onboarding.db import transaction
from onboarding.migrations import upgrade
from onboarding.models import ApiKey
from onboarding.sealing import Keyring, open_keyring
from onboarding.settings import settings
from tests.servers.folders import server_folder
from tests.servers.postgres import Postgres
from tests.servers.valkey import Valkey
from workers.app import app


@dataclass(frozen=True)
class Place:
    """What every child needs: made by the parent before it forks."""

    folder: Path
    celery: Celery
    key: ApiKey
    ring: Keyring

    @property
    def under_way(self) -> Path:
        return self.folder / "under-way"

    @property
    def arrived(self) -> Path:
        return self.folder / "arrived"

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
        app.conf.broker_url = broker
        place = Place(folder / "visitors", app, key, ring)
        place.under_way.mkdir(parents=True)
        place.arrived.mkdir()
        yield place, postgres
        db.engine().dispose()


@contextmanager
def _servers(database: str, folder: Path) -> Iterator[tuple[str, str, Postgres | None]]:
    if database == "sqlite":
        yield f"sqlite:///{folder / 'onboarding.db'}", "", None
        return
    with Postgres.start(folder) as postgres, Valkey.start(folder) as valkey:
        yield postgres.create_database("chaos"), valkey.url, postgres
