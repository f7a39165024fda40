"""What an onboarding's path asks for: each condition not met, met and since when, and undone again."""

from datetime import datetime
from uuid import UUID

import pytest
from sqlalchemy import Engine

from onboarding import conditions, queries
from onboarding.access import PLATFORM
from onboarding.db import reading
from tests import builders
from tests.builders import OPERATOR, fire, handle

TYPE = "Connection type chosen"
AGGREGATOR = "Aggregator registered and on the REST API"
PROVED = "E-mail address proved, or signed in to the seller account"
ISSUED = "Client ID issued"
MADE, SHOWN, SAVED = "Client secret made", "Client secret shown", "Client secret saved"
LINKED, CONFIRMED = "Seller account linked", "Confirmed by the seller"
VERIFIED = "Connection verified"
SECRET = (PROVED, ISSUED, MADE, SHOWN, SAVED)
SELLER = (LINKED, CONFIRMED, VERIFIED)


def of(onboarding_id: UUID) -> dict[str, datetime | None]:
    with reading() as session:
        found = queries.by_id(session, onboarding_id)
        history = queries.history(session, onboarding_id)
        return {c.text: c.met_at for c in conditions.conditions(found, history)}


def met(onboarding_id: UUID) -> list[str]:
    return [text for text, at in of(onboarding_id).items() if at]


@pytest.mark.parametrize(
    ("state", "kind", "delegated", "asked"),
    [
        ("started", None, False, (TYPE,)),
        ("redirected_to_soap", None, False, (TYPE,)),
        ("credentials_issued", None, False, (TYPE, *SECRET)),
        ("confirmed", "plugin", False, (TYPE, *SECRET, *SELLER)),
        ("confirmed", "own_development", False, (TYPE, *SECRET, *SELLER)),
        ("confirmed", "aggregator", False, (TYPE, AGGREGATOR, *SECRET, *SELLER)),
        ("confirmed", "aggregator", True, (TYPE, AGGREGATOR, *SELLER)),
    ],
)
def test_a_path_asks_for_what_is_its_own(
    database: Engine, state: str, kind: str | None, *, delegated: bool, asked: tuple[str, ...]
) -> None:
    walked = builders.an_onboarding(state, connection_type=kind, delegated=delegated)
    assert tuple(of(walked)) == asked
    assert met(walked) == ([] if state == "started" else [*asked])


@pytest.mark.parametrize(
    ("before", "after", "event", "text"),
    [
        ("started", "type_chosen", "choose_type", TYPE),
        ("type_chosen", "issuing_secret", "issue_id", ISSUED),
        ("issuing_secret", "secret_ready", "secret_generated", MADE),
        ("secret_ready", "secret_revealed", "reveal_secret", SHOWN),
        ("secret_revealed", "awaiting_seller", "acknowledge_secret", SAVED),
        ("awaiting_seller", "seller_linked", "link_seller", LINKED),
        ("seller_linked", "verifying", "confirm", CONFIRMED),
        ("verifying", "confirmed", "verification_passed", VERIFIED),
    ],
)
def test_a_condition_is_met_since_its_event(
    database: Engine, before: str, after: str, event: str, text: str
) -> None:
    assert of(builders.an_onboarding(before))[text] is None
    walked = builders.an_onboarding(after)
    with reading() as session:
        (at,) = [s.at for s in queries.history(session, walked) if s.event == event]
    assert of(walked)[text] == at


def test_who_it_is_was_proved_at_its_time(database: Engine) -> None:
    walk = builders.a_walk("type_chosen")
    assert of(walk.id)[PROVED] is None
    builders.vouch(walk)
    assert of(walk.id)[PROVED] == builders.the(walk.id).contact_verified_at


def test_an_aggregator_is_approved_or_not(database: Engine) -> None:
    walked = builders.an_onboarding("checking_aggregator")
    assert AGGREGATOR not in met(walked)
    fire(walked, "refuse_aggregator", OPERATOR)
    assert AGGREGATOR not in met(walked)
    fire(walked, "recheck_aggregator", OPERATOR)
    fire(walked, "approve_aggregator", PLATFORM)
    assert AGGREGATOR in met(walked)


def test_what_is_undone_is_asked_for_again(database: Engine) -> None:
    new_secret = builders.an_onboarding("secret_revealed")
    handle(new_secret, "reissue_secret")
    lapsed = builders.an_onboarding("secret_lapsed")
    for each in (new_secret, lapsed):
        assert met(each) == [TYPE, PROVED, ISSUED]
    walked = builders.an_onboarding("verifying")
    assert {LINKED, CONFIRMED} <= {*met(walked)}
    fire(walked, "verification_failed", PLATFORM)
    assert CONFIRMED not in met(walked)
    fire(walked, "unlink_seller", OPERATOR)
    assert LINKED not in met(walked)
    fire(walked, "start_over", OPERATOR)
    assert {*met(walked)} <= {TYPE, PROVED}
    assert met(walked).count(TYPE) == 0
