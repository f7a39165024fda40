"""`source …` and `inbound …`: who may tell us things, and what they have told."""

from uuid import uuid4

from sqlalchemy import Engine, update

from onboarding import db
from onboarding.commands import exits
from onboarding.db import transaction
from onboarding.models import InboundEvent
from onboarding.sealing import Keyring
from tests.commands.conftest import Run
from tests.telling import REGISTRY, Event, an_aggregator, an_ed25519_key, as_key, post, tell
from tests.web.calling import System, served

WHY = "INC-442: they are known now"
KINDS = ("parked", "unknown")


def test_a_source_from_its_first_day_to_its_last(run: Run, sqlite: Engine, ring: Keyring) -> None:
    assert "No sources yet" in run("source", "ls").err
    first = run("source", "add", REGISTRY, "--json").lines[0]["key"]
    assert first.startswith("whsec_")
    assert run("source", "add", REGISTRY).code == exits.USAGE
    second = run("source", "rotate", REGISTRY, "--overlap", "1h").out.strip()
    system = System(served(ring))
    for number, shown in enumerate([first, second]):
        answer = post(system, Event("seller.suspended", "S", number), as_key(shown))
        assert answer.status_code == 200
    (listed,) = run("source", "ls", "--json").lines
    assert (listed["name"], listed["keys"], listed["ended_at"]) == (REGISTRY, 2, None)
    assert first not in run("source", "ls").out
    assert run("source", "rm", REGISTRY, "--json").lines == [{"name": REGISTRY, "removed": True}]
    assert post(system, Event("seller.suspended", "S", 9), as_key(second)).status_code == 401
    assert run("source", "rm", REGISTRY).code == exits.NOT_FOUND
    assert run("source", "rotate", REGISTRY).code == exits.NOT_FOUND


def test_one_with_a_key_of_its_own(run: Run, sqlite: Engine, ring: Keyring) -> None:
    key = an_ed25519_key()
    assert run("source", "add", REGISTRY, "--public-key", key.shown).out.strip() == key.shown
    assert post(System(served(ring)), Event("seller.suspended", "S"), key).status_code == 200
    for wrong in ("whpk_AAAA", "whsec_" + "A" * 43 + "=", "whpk_?", "whpk_é", key.shown[5:]):
        refused = run("source", "rotate", REGISTRY, "--public-key", wrong)
        assert refused.code == exits.USAGE, wrong


def test_no_more_keys_than_anybody_needs(run: Run, sqlite: Engine) -> None:
    run("source", "add", REGISTRY)
    codes = [run("source", "rotate", REGISTRY).code for _ in range(4)]
    assert codes == [0, 0, 0, exits.USAGE]
    assert run("source", "add", "no name", "--json").code == exits.USAGE


def test_what_waits_is_listed_and_offered_again(run: Run, sqlite: Engine) -> None:
    run("source", "add", REGISTRY)
    tell(Event("aggregator.suspended", "feedwise", 1))
    tell(Event("shop.painted", "S-1", 2))
    (parked,) = run("inbound", "ls", "--parked", "--json").lines
    assert (parked["subject"], parked["effect"]) == ("feedwise", {"waits_for": "aggregator"})
    assert [each["type"] for each in run("inbound", "ls", "--unknown", "--json").lines] == [
        "shop.painted"
    ]
    assert "no aggregator" in run("inbound", "ls").out
    tell(Event("seller.suspended", "S-4711-22", 3, id="evt_1"))
    assert "S-4711-22" not in run("inbound", "ls").out + run("inbound", "ls", "--json").out
    assert run("inbound", "ls", "--parked", "--unknown").code == exits.USAGE
    assert "There are more than these 2." in run("inbound", "ls", "--limit", "2").err
    assert "There are more" not in run("inbound", "ls", "--limit", "3").err
    retry = ("inbound", "retry", "--reason", WHY)
    assert run(*retry, parked["id"], "--json").lines == [{"offered": 1, "parked": 1}]
    an_aggregator()
    assert run(*retry, "--json").lines == [{"offered": 2, "applied": 1, "unknown": 1}]
    assert "1 unknown" in run(*retry).err
    assert run("inbound", "ls", "--parked").out == ""
    # It has taken effect, so it is not offered any more.
    assert run(*retry, parked["id"]).code == exits.REFUSED
    for wanted in ("nonsense", str(uuid4())):
        assert run(*retry, wanted).code == exits.NOT_FOUND
    assert run("inbound", "retry", "--reason", "x").code == exits.USAGE
    rows = [row for row in run("audit", "ls", "--json").lines if row["action"] == "inbound.retry"]
    assert {row["reason"] for row in rows} == {WHY}
    assert [row["outcome"] for row in rows] == ["refused", *["done"] * 4]


def test_one_that_is_wrong_holds_up_no_other(run: Run, sqlite: Engine) -> None:
    """Nobody looked at what they say when nobody knew their types; then comes a version that does."""
    run("source", "add", REGISTRY)
    for minute, subject in enumerate(["S" * 41, "S-2"]):
        tell(Event("shop.closed", subject, minute))
    with transaction() as session:
        session.execute(update(InboundEvent).values(type="seller.suspended"))
    retry = ("inbound", "retry", "--reason", WHY)
    outcome = run(*retry, "--json")
    assert outcome.lines == [{"offered": 2, "refused": 1, "applied": 1}]
    assert (outcome.code, "subject: A Seller ID." in outcome.err) == (exits.REFUSED, True)
    assert (
        run(*retry, run("inbound", "ls", "--unknown", "--json").lines[0]["id"]).code == exits.USAGE
    )


def test_what_waits_is_dismissed_once_with_a_reason(run: Run, sqlite: Engine) -> None:
    run("source", "add", REGISTRY)
    tell(Event("aggregator.suspended", "feedwise", 1))
    tell(Event("shop.painted", "S-1", 2))
    with transaction() as session:
        session.execute(update(InboundEvent).values(received_at=db.in_seconds(-21 * 86400)))
    assert run("inbound", "ls").out.count("for 21 d") == 2
    parked, painted = (run("inbound", "ls", f"--{kind}", "--json").lines[0]["id"] for kind in KINDS)
    dismiss = ("inbound", "dismiss", "--reason", WHY)
    assert run(*dismiss, parked, "--json").lines == [{"id": parked, "status": "dismissed"}]
    assert "never takes effect" in run(*dismiss, painted).err
    assert [each["status"] for each in run("inbound", "ls", "--json").lines] == ["dismissed"] * 2
    assert "for 21 d" not in run("inbound", "ls").out
    assert run(*dismiss, parked).code == exits.REFUSED
    assert run(*dismiss, str(uuid4())).code == exits.NOT_FOUND
    assert run("inbound", "dismiss", parked, "--reason", "x").code == exits.USAGE
    assert run("inbound", "retry", "--reason", WHY, "--json").lines == [{"offered": 0}]
    rows = [row for row in run("audit", "ls", "--json").lines if row["action"] == "inbound.dismiss"]
    assert [(row["outcome"], row["reason"]) for row in rows] == [
        ("refused", WHY),
        ("done", WHY),
        ("done", WHY),
    ]
