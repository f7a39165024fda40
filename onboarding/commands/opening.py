"""What a command needs before it can begin: logs, the database at the right schema, the keyring."""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from sqlalchemy import Engine, insert, inspect, text
from sqlalchemy.engine import make_url
from sqlalchemy.orm import Session

from onboarding import audit, crash_points, db, holding, logs, queries, sealing
from onboarding.access import PLATFORM
from onboarding.audit import Attempt
from onboarding.commands import printing
from onboarding.commands.exits import UNAVAILABLE, USAGE, Failure
from onboarding.db import reading, transaction
from onboarding.models import KeyCheck
from onboarding.sealing import Keyring
from onboarding.settings import Settings

VERSIONS: Final = Path(__file__).parents[1] / "migrations" / "versions"
# Only the web process opens sealed secrets, so a worker may do without any of these keys.
_ONLY_FOR_THE_WEB: Final = "seal."


def prepare(chosen: Settings, *, upgrade: bool = False) -> Keyring:
    """Logs, database, keyring: all that a process of the product needs. Raises Failure.

    `upgrade` brings an older schema up to date first.
    """
    open_database(chosen, upgrade=upgrade)
    return open_keyring(chosen)


def migrate(chosen: Settings, *, as_json: bool) -> None:
    """Make or update the schema and the keyring, and say what has changed. Raises Failure."""
    logs.configure(chosen)
    before = schema(db.connect(chosen.database_url))
    ring = prepare(chosen, upgrade=True)
    after = schema(db.engine())
    if as_json:
        held = sorted(sealing.fingerprints(ring))
        printing.line({"schema_before": before, "schema": after, "keys": held})
        return
    how = "as it was" if before == after else f"before: {before or 'none'}"
    printing.say(f"Schema {after} ({how}), keyring in {chosen.keys_dir}.")


def open_database(chosen: Settings, *, upgrade: bool = False) -> None:
    """Logs and database only, for commands that use no key. Raises Failure for another schema."""
    logs.configure(chosen)
    crash_points.arm(chosen.crash_at)
    if not upgrade:
        _need_a_file(chosen.database_url)
    engine = db.connect(chosen.database_url)
    if upgrade and schema(engine) != wanted_schema():
        upgrade_schema(engine)
    _check_schema(engine)


def open_keyring(chosen: Settings) -> Keyring:
    """The keyring that this database was used with, made first for a new database. Raises Failure."""
    known = key_checks()
    # Where secrets were issued before, an empty folder is a lost keyring, not a new one.
    read = sealing.read_keyring if known else sealing.open_keyring
    ring = read(chosen.keys_dir)
    wrong = misfits(ring, known) or _record(ring, known)
    if wrong:
        raise Failure(
            f"The keyring in {chosen.keys_dir} is not the one that this database was used with:"
            f" {', '.join(wrong)}.",
            what_to_do(ring, wrong),
        )
    return ring


def only_seal_keys_are_gone(chosen: Settings) -> bool:
    """Whether the newest pairs of seal keys are lost, and nothing else of the keyring is."""
    ring = sealing.read_keyring(chosen.keys_dir)
    return _are_seal_keys(ring, sealing.misfits(ring, key_checks()))


def what_to_do(ring: Keyring, wrong: Sequence[str]) -> str:
    """Advice for a keyring that lacks keys, or has others."""
    if _are_seal_keys(ring, wrong):
        return (
            "Copy these files from the host that has them. Where they are lost for good, run"
            " `onboarding keyring rotate seal`: it makes the next pair, and whoever has a secret"
            " waiting asks for a new one."
        )
    return "Restore that folder from its backup, or set ONBOARDING_KEYS_DIR to the right one."


def need_broker(chosen: Settings) -> None:
    """Refuse to go on without a broker. Raises Failure."""
    if not chosen.broker_url:
        raise Failure(
            "ONBOARDING_BROKER_URL is empty: tasks run inside `onboarding serve`, not in workers.",
            "Set it to the broker's address, for instance redis://127.0.0.1:6379/0.",
            USAGE,
        )


def misfits(ring: Keyring, known: dict[str, bytes]) -> list[str]:
    """Keys that this database was used with and that are gone or different now."""
    wrong = sealing.misfits(ring, known)
    if ring.keys["seal"]:
        return wrong
    return [key_id for key_id in wrong if not key_id.startswith(_ONLY_FOR_THE_WEB)]


def _are_seal_keys(ring: Keyring, wrong: Sequence[str]) -> bool:
    """Gone, all of them, and not replaced by others."""
    held = sealing.fingerprints(ring)
    return bool(wrong) and all(
        name.startswith(("seal.", "public.")) and name not in held for name in wrong
    )


def key_checks() -> dict[str, bytes]:
    """The known value under each key that this database was used with."""
    with reading() as session:
        return queries.key_checks(session)


def schema(engine: Engine) -> str | None:
    """The version of the database's schema; None where there is none."""
    if not inspect(engine).has_table("alembic_version"):
        return None
    with engine.connect() as connection:
        found = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return str(found) if found else None


def wanted_schema() -> str:
    """The version of this program: the number of the newest migration.

    Alembic knows it too, but takes longer to load than most commands to run.
    """
    return max(path.name.partition("_")[0] for path in VERSIONS.glob("[0-9]*.py"))


def upgrade_schema(engine: Engine) -> None:
    """Run the migrations that are missing. Raises Failure for a newer schema or a table in use."""
    _refuse_newer(schema(engine))
    # Alembic announces each of its parts when it is loaded.
    logging.getLogger("alembic.runtime.plugins").setLevel(logging.WARNING)
    from onboarding import migrations  # noqa: PLC0415 - needed here only
    from onboarding.migrations.locks import TableInUse  # noqa: PLC0415 - as above

    try:
        migrations.upgrade(engine)
    except TableInUse as error:
        raise Failure(
            f"A long transaction holds the table {error}; nothing was changed.",
            "Let it end (pg_stat_activity shows the oldest), then run `onboarding migrate` again.",
            UNAVAILABLE,
        ) from error


def _need_a_file(database_url: str) -> None:
    """SQLite would make an empty database in silence, and then everything would be missing."""
    url = make_url(database_url)
    name = url.database
    if url.get_backend_name() == "sqlite" and name and not Path(name).exists():
        raise Failure(
            f"There is no database at {name} yet.",
            "Make one with `onboarding migrate`, or start everything with `onboarding serve`.",
        )


def _check_schema(engine: Engine) -> None:
    found, wanted = schema(engine), wanted_schema()
    _refuse_newer(found)
    if found != wanted:
        raise Failure(
            f"The database's schema is {found or 'not there yet'}, this program needs {wanted}.",
            "Run `onboarding migrate`.",
        )


def _refuse_newer(found: str | None) -> None:
    if found is not None and found > wanted_schema():
        raise Failure(
            f"The database's schema is {found}, newer than this program's {wanted_schema()}.",
            "Use the version of the program that made it, or a later one.",
        )


def _record(ring: Keyring, known: dict[str, bytes]) -> list[str]:
    """Remember the keys that this database meets for the first time; what is wrong with the ring.

    Processes that start at once compare one after the other: a foreign keyring leaves no trace,
    which would lock out the right one.
    """
    held = sealing.fingerprints(ring)
    if held.keys() <= known.keys():
        return []
    with transaction() as session:
        holding.hold(session, KeyCheck.__tablename__, alone=True)
        known = queries.key_checks(session)
        # One may have been retired since they were read.
        held = sealing.fingerprints(sealing.read_keyring(ring.folder) if ring.folder else ring)
        wrong = misfits(ring, known)
        new = [{"key_id": k, "value": value} for k, value in held.items() if k not in known]
        if new and not wrong:
            session.execute(insert(KeyCheck), new)
        if new and known and not wrong:
            _tell(session, ring, [str(each["key_id"]) for each in new])
    return wrong


def _tell(session: Session, ring: Keyring, names: Sequence[str]) -> None:
    """The trail has each key that came after the first ones, whoever put it there."""
    audit.append(session, ring, Attempt(PLATFORM.id, None, "keyring.meet", ", ".join(names)))
