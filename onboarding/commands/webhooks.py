"""`webhook ls`, `add`, `rm`, `deliveries`, `redeliver` and `enable`: endpoints of every system, by hand."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final
from urllib.parse import urlsplit

from sqlalchemy.orm import Session

from onboarding import admissions, deliveries, endpoints, reception, resending, webhooks
from onboarding.commands import choosing, printing, terminal
from onboarding.commands.keys import system_named
from onboarding.db import reading, transaction
from onboarding.errors import NotFound, Refusal
from onboarding.models import Delivery, Webhook
from onboarding.sealing import Keyring
from onboarding.settings import settings
from onboarding.webhooks import Endpoint

_HEAD: Final = ("ID", "URL", "Types", "Stands")
_SENT_HEAD: Final = ("ID", "Type", "Attempts", "Stands")


def ls(*, as_json: bool) -> None:
    """Every endpoint, the oldest first."""
    with reading() as session:
        found = webhooks.of(session, None)
        lines, rows = [_facts(each) for each in found], [_row(each) for each in found]
    empty = "No endpoints yet. Add one: onboarding webhook add https://… --system NAME"
    printing.listed(lines, _HEAD, rows, empty=empty, as_json=as_json)


def add(ring: Keyring, system: str, said: Mapping[str, Any], reason: str, *, as_json: bool) -> None:
    """A new one of this system. Raises Invalid, and Failure where no or several are called so."""
    chosen = settings()
    rules, base_url = endpoints.rules(chosen), chosen.base_url
    told = terminal.change("webhook.add", reason)
    with admissions.written_down(ring, told) as (session, about):
        owner = system_named(session, system).id
        about["system"] = str(owner)
        made = webhooks.add(session, ring, owner, Endpoint(**said), rules, base_url)
        (key,) = webhooks.keys(session, ring, made)
        facts = _facts(made)
        about.update(admissions.endpoint(made))
    if as_json:
        printing.line(facts | {"key": key.shown})
    else:
        printing.text(key.shown)
        printing.say(f"Verify with this. To try it: onboarding webhook deliveries {facts['id']}")


def rm(ring: Keyring, wanted: str, reason: str, *, as_json: bool) -> None:
    """Raises Failure where none or several are meant."""
    webhook_id = _meant(wanted)
    told = terminal.change("webhook.remove", reason)
    with admissions.written_down(ring, told) as (session, about):
        webhook = webhooks.one(session, None, webhook_id, lock=True)
        about.update(admissions.endpoint(webhook))
        webhooks.remove(session, webhook)
    if as_json:
        printing.line({"id": webhook_id, "removed": True})
    else:
        printing.say("Removed: nothing is sent there any more.")


def sent(wanted: str, limit: int, *, failed: bool, as_json: bool) -> None:
    """What was sent to one, newest first. Raises Failure."""
    with reading() as session:
        more = deliveries.of(session, _among(session, wanted).id, limit=limit + 1, failed=failed)
        found = more[:limit]
        lines, rows = [_sent_facts(each) for each in found], [_sent_row(each) for each in found]
    empty = "Nothing has failed for good there." if failed else "Nothing was sent there yet."
    printing.listed(lines, _SENT_HEAD, rows, empty=empty, as_json=as_json)
    printing.goes_on(more, limit)


def redeliver(
    ring: Keyring, wanted: str, query: Mapping[str, str], reason: str, *, as_json: bool
) -> None:
    """What failed for good, unless something else is said. Raises Failure, Invalid, NotEligible."""
    which, who = resending.read(query), terminal.operator()
    webhook_id = _meant(wanted)
    with _told(ring, resending.REDELIVER, webhook_id, reason), transaction() as session:
        webhook = webhooks.one(session, None, webhook_id)
        chosen = resending.look(session, who, webhook, which)
        count = resending.carry_out(session, ring, who, chosen, reason)
    if as_json:
        printing.line({"count": count})
    else:
        printing.say(f"Sent again: {count}.")


def enable(ring: Keyring, wanted: str, reason: str, *, as_json: bool) -> None:
    """Send there again. Raises Failure, Invalid, NotEligible."""
    who, webhook_id = terminal.operator(), _meant(wanted)
    with _told(ring, resending.ENABLE, webhook_id, reason), transaction() as session:
        chosen = resending.look_at_enabling(session, who, reception.one(session, webhook_id))
        resending.enable(session, ring, who, chosen, reason)
    if as_json:
        printing.line({"id": webhook_id, "enabled": True})
    else:
        printing.say("Enabled: it hears of all that has happened since.")


def _meant(typed: str) -> str:
    """The whole ID of the one that is meant. Raises Failure."""
    with reading() as session:
        return str(_among(session, typed).id)


def _among(session: Session, typed: str) -> Webhook:
    """By ID, its beginning, the URL or the host in it, or the description. Raises Failure."""
    everybodys = webhooks.of(session, None)
    return choosing.one(everybodys, typed, _called, "webhook", "webhook ls")


def _called(webhook: Webhook) -> tuple[str, ...]:
    host = urlsplit(webhook.url).hostname or ""
    return tuple(name for name in (webhook.url, host, webhook.description) if name)


@contextmanager
def _told(ring: Keyring, action: str, webhook_id: str, reason: str) -> Iterator[None]:
    """The trail has what was refused as well."""
    try:
        yield
    except NotFound:
        raise
    except Refusal as error:
        with transaction() as session:
            who = terminal.operator()
            resending.refused(session, ring, who, action, webhook_id, reason, error.code)
        raise


def _facts(webhook: Webhook) -> dict[str, object]:
    return {
        "id": webhook.id,
        "system_id": webhook.system_id,
        "url": webhook.url,
        "types": webhook.event_types,
        "description": webhook.description,
        "signature": webhook.signature,
        "created_at": webhook.created_at,
        "disabled_at": webhook.disabled_at,
        "disabled_because": webhook.disabled_because,
        "failures": webhook.failures,
        "rests_until": webhook.rests_until,
    }


def _row(webhook: Webhook) -> tuple[str, ...]:
    stands = f"{webhook.failures} failures" if webhook.failures else ""
    if webhook.disabled_because:
        stands = f"off: {webhook.disabled_because}"
    return (str(webhook.id), webhook.url, "\n".join(webhook.event_types) or "all", stands)


def _sent_facts(delivery: Delivery) -> dict[str, object]:
    return {
        "id": delivery.id,
        "event_id": delivery.event_id,
        "type": delivery.type,
        "onboarding_id": delivery.onboarding_id,
        "sequence": delivery.sequence,
        "created_at": delivery.created_at,
        "attempts": delivery.attempts,
        "next_at": delivery.next_at,
        "delivered_at": delivery.delivered_at,
        "failed_at": delivery.failed_at,
        "status": delivery.status,
        "cause": delivery.cause,
    }


def _sent_row(delivery: Delivery) -> tuple[str, ...]:
    if delivery.delivered_at:
        stands = f"arrived {printing.moment(delivery.delivered_at)}"
    else:
        stands = f"{'failed' if delivery.failed_at else 'waits'} {delivery.cause or ''}".strip()
    return (str(delivery.id), delivery.type, str(delivery.attempts), stands)
