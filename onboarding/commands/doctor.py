"""`doctor`: what works, what does not, and what to do about it. It looks only, and changes nothing."""

import sqlite3
from collections.abc import Callable, Collection, Iterator

from onboarding import broker, db, renewing_keys, sealing
from onboarding.commands import deeper, opening, printing, records
from onboarding.commands.exits import DONE, FINDINGS
from onboarding.commands.failures import explain
from onboarding.commands.records import Check
from onboarding.db import reading, snapshot
from onboarding.settings import Settings, masked


def examine(chosen: Settings, known_tasks: Collection[str], *, deep: bool, as_json: bool) -> int:
    """Look at everything and print it; returns the exit code.

    A deep look wants a database that can be asked.
    """
    checks = list(_checks(chosen, known_tasks))
    for check in checks:
        if as_json:
            printing.line(check._asdict() | {"ok": not check.do})
        else:
            _print(check)
    looks, findings = len(checks), sum(bool(check.do) for check in checks)
    if deep and all(check.name != "database" or not check.do for check in checks):
        asked, broken = deeper.look(as_json=as_json)
        looks, findings = looks + asked, findings + broken
    printing.say(f"\n{findings} of {looks} need you." if findings else "\nAll is well.")
    return FINDINGS if findings else DONE


def _print(check: Check) -> None:
    printing.text(f"{'FIND' if check.do else 'ok':<5} {check.name:<11} {check.found}")
    if check.do:
        printing.text(f"{'':<17} → {check.do}")


def _checks(chosen: Settings, known_tasks: Collection[str]) -> Iterator[Check]:
    yield from _settings(chosen)
    yield _broker(chosen)
    database = _attempt("database", lambda: _database(chosen))
    yield database
    if database.do:
        return
    keyring = _attempt("keyring", lambda: _keyring(chosen))
    yield keyring
    if not keyring.do:
        yield _attempt("seal keys", lambda: _seal_keys(chosen))
    with snapshot() as session:
        db.without_hurry(session)
        yield from records.checks(session, known_tasks)


def _attempt(name: str, look: Callable[[], Check]) -> Check:
    """What stops another command is a finding here."""
    try:
        return look()
    except Exception as error:
        failure = explain(error)
        if failure is None:
            raise
        return Check(name, failure.sentence, failure.advice)


def _settings(chosen: Settings) -> Iterator[Check]:
    mail = masked(chosen.smtp_url) if chosen.smtp_url else f"files in {chosen.mail_dir}"
    sellers = "the sandbox Seller Portal" if chosen.sandbox else chosen.issuer
    kind = "live" if chosen.live else "test"
    yield Check("address", chosen.base_url, _about_address(chosen))
    yield Check("sellers", f"sign in at {sellers}, get {kind} credentials")
    yield Check("e-mail", mail, _about_mail(chosen))
    if chosen.tells_another:
        where = f"{chosen.authorization_server} at {chosen.authorization_server_url}"
        yield Check("tokens", f"{where}, told of each client")


def _about_address(chosen: Settings) -> str:
    if not chosen.public_url and chosen.host in {"0.0.0.0", "::"}:  # noqa: S104 - compared, not bound
        return "Set ONBOARDING_PUBLIC_URL: links in e-mails would lead to this."
    if chosen.live and not chosen.base_url.startswith("https:"):
        return "Live credentials need https: set ONBOARDING_PUBLIC_URL to an https:// address."
    return ""


def _about_mail(chosen: Settings) -> str:
    if chosen.live and not chosen.smtp_url:
        return "Set ONBOARDING_SMTP_URL: nobody gets an e-mail that is a file."
    return ""


def _broker(chosen: Settings) -> Check:
    if not chosen.broker_url:
        return Check("broker", "none, tasks run inside `onboarding serve`")
    where = masked(chosen.broker_url)
    try:
        broker.ping(chosen.broker_url)
    except Exception as error:  # noqa: BLE001 - whatever it is, the broker cannot be used
        why = str(error) or type(error).__name__
        return Check(
            "broker",
            f"{where}: {why}; tasks wait, nothing is lost",
            "Start it, or correct ONBOARDING_BROKER_URL.",
        )
    return Check("broker", f"{where} answers")


def _database(chosen: Settings) -> Check:
    """Opens it for the looks that follow. Raises Failure where that makes no sense."""
    opening.open_database(chosen)
    engine = db.engine()
    with engine.connect() as connection:
        found = connection.dialect.server_version_info or ()
    version = ".".join(map(str, found)) or sqlite3.sqlite_version
    where = f"{masked(chosen.database_url)}, {engine.dialect.name} {version}"
    return Check("database", f"{where}, schema {opening.schema(engine)}")


def _keyring(chosen: Settings) -> Check:
    """Not made here, even for a new database."""
    ring = sealing.read_keyring(chosen.keys_dir)
    wrong = opening.misfits(ring, opening.key_checks())
    held = sum(map(len, ring.keys.values()))
    if wrong:
        found = f"gone or different: {', '.join(wrong)}"
        return Check("keyring", found, opening.what_to_do(ring, wrong))
    if not held:
        return Check("keyring", f"{chosen.keys_dir} is empty", "Run `onboarding migrate`.")
    return Check("keyring", f"{held} keys in {chosen.keys_dir}")


def _seal_keys(chosen: Settings) -> Check:
    """Whether they are renewed as often as they should be, and still open what waits."""
    ring = sealing.read_keyring(chosen.keys_dir)
    with reading() as session:
        stands = renewing_keys.standing(session, ring, chosen)
    return Check("seal keys", stands.found, stands.do)
