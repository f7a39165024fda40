"""Each rule about what there is and what was promised, and a way to break it alone.

Where more than one breaks of necessity, they are named.
"""

from typing import Final

from sqlalchemy import delete, insert

from onboarding import credentials, db
from onboarding.ids import new_id
from onboarding.models import (
    ApiKey,
    Client,
    KeyCheck,
    Link,
    Mail,
    Message,
    Onboarding,
    ResumeLink,
    Secret,
    System,
)
from tests import builders
from tests.invariants.breaking import EMAIL, and_then, broken, in_state
from tests.invariants.changes import (
    HOUR,
    a_link,
    a_mail,
    a_message,
    a_sealed_one,
    a_secret,
    client_of,
    clients_of,
    of,
    promise_of,
    shifted,
    step,
)

KEY: Final = new_id()
CLEAR: Final = credentials.new_secret("mkt", live=True)

REISSUED: Final = and_then("secret_revealed", "reissue_secret")
UNLINKED: Final = and_then("seller_linked", "unlink_seller")
TAKEN_BACK: Final = and_then("secret_ready", "start_over", "work")
_ARRIVED: Final = ("revealed_at", "acknowledged_at", "ends_at")

IDENTITY: Final = (
    broken(
        "one_live_client",
        in_state("secret_lapsed"),
        lambda me, _: [insert(Client).values(id="cid_second", onboarding_id=me)],
        "client_was_issued",
        bare=("clients",),
    ),
    broken(
        "one_live_secret",
        in_state("secret_ready"),
        lambda me, _: [a_secret(me, 2)],
        "secrets_were_made",
        bare=("secrets",),
    ),
    broken(
        "two_secrets_at_most",
        in_state("confirmed"),
        lambda me, _: [
            a_secret(me, 2, overlap_days=0, **dict.fromkeys(_ARRIVED, db.now())),
            a_secret(me, 3, overlap_days=0),
        ],
    ),
    broken("one_live_link", in_state("seller_linked"), lambda me, _: [a_link(me)], bare=("links",)),
    broken(
        "live_secret_of_a_live_client",
        TAKEN_BACK,
        lambda me, _: [of(Secret, me, ended_at=None, ended_because=None)],
    ),
    broken("sealed_secret_is_alive", in_state("secret_lapsed"), lambda me, _: [a_sealed_one(me)]),
    broken(
        "versions_have_no_gap",
        in_state("secret_revealed"),
        lambda me, _: [of(Secret, me, version=2)],
    ),
    broken(
        "one_reference",
        in_state("started"),
        lambda me, other: [
            of(Onboarding, me, reference="ONB-TWICE"),
            of(Onboarding, other, reference="ONB-TWICE"),
        ],
        bare=("onboardings",),
        both=True,
    ),
    broken(
        "one_start_once",
        in_state("started"),
        lambda me, other: [
            of(Onboarding, me, start_key="form"),
            of(Onboarding, other, start_key="form"),
        ],
        bare=("onboardings",),
        both=True,
    ),
    broken(
        "link_has_its_own_client",
        in_state("seller_linked"),
        lambda me, other: [of(Link, me, client_id=clients_of(other))],
    ),
    broken(
        "link_has_its_own_aggregator",
        in_state("seller_linked", delegated=True),
        lambda me, _: [of(Link, me, aggregator_id="listing-loop")],
    ),
    broken(
        "issued_client_is_its_own",
        in_state("secret_lapsed"),
        lambda me, other: [step(me, "issue_id", details={"client_id": client_of(other)})],
        "client_was_issued",
        "every_showing_has_its_version",
    ),
    broken(
        "message_speaks_of_its_own",
        and_then("secret_lapsed", "cancel"),
        lambda me, other: [of(Message, me, about={"client_id": client_of(other)})],
        "revocation_is_passed_on",
    ),
    broken(
        "letter_leads_back_to_its_own",
        in_state("secret_ready", email=EMAIL),
        lambda me, other: [of(ResumeLink, me, onboarding_id=other)],
    ),
    broken(
        "moved_by_its_own_system",
        in_state("type_chosen"),
        lambda me, _: [
            insert(System).values(id=KEY, name="plugin"),
            insert(ApiKey).values(id=KEY, system_id=KEY, name="plugin", hash=bytes(32), scopes=[]),
            of(Onboarding, me, system_id=KEY),
            step(me, "choose_type", actor_kind="api", actor_id=f"key:{new_id()}"),
        ],
    ),
)
SECRECY: Final = (
    broken(
        "shown_secret_is_not_sealed",
        in_state("secret_revealed"),
        lambda me, _: [a_sealed_one(me)],
    ),
    broken(
        "every_showing_has_its_version", REISSUED, lambda me, _: [of(Secret, me, revealed_at=None)]
    ),
    broken(
        "showing_is_in_history",
        in_state("secret_revealed"),
        lambda me, _: [of(Secret, me, revealed_at=shifted(Secret.revealed_at))],
    ),
    broken(
        "no_secret_in_an_onboarding",
        in_state("started"),
        lambda me, _: [of(Onboarding, me, answers={"note": f"it is {CLEAR}."})],
    ),
    broken(
        "no_secret_in_history",
        in_state("type_chosen"),
        lambda me, _: [step(me, "start", details={"client_secret": CLEAR})],
    ),
    broken(
        "no_secret_in_a_message",
        in_state("issuing_secret"),
        lambda me, _: [of(Message, me, last_error=f"cannot seal {CLEAR}")],
    ),
    broken(
        "secret_is_hashed",
        in_state("secret_ready"),
        lambda me, _: [of(Secret, me, hash=b"clear")],
    ),
    broken(
        "secret_is_hashed",
        in_state("secret_lapsed"),
        lambda _me, _other: [insert(KeyCheck).values(key_id="pepper.other", value=bytes(32))],
        both=True,
    ),
    broken(
        "secret_is_sealed",
        in_state("secret_ready"),
        lambda _me, _other: [
            insert(KeyCheck).values(key_id=f"pepper.{key}", value=bytes(32))
            for key in builders.keyring().keys["pepper"]
        ],
        both=True,
    ),
    broken(
        "client_has_a_verified_contact",
        in_state("issuing_secret"),
        lambda me, _: [of(Onboarding, me, contact_verified_at=None)],
    ),
)
PROMISES: Final = (
    broken(
        "work_is_promised",
        in_state("issuing_secret", email=EMAIL),
        lambda me, _: [of(Message, me, task="send_email", about={"notice": "resume_link"})],
    ),
    broken(
        "letters_are_sent_as_called_for",
        and_then("secret_revealed", "work", email=EMAIL),
        lambda me, _: [
            delete(Mail).where(Mail.onboarding_id == me, Mail.notice == "secret_revealed")
        ],
    ),
    broken(
        "letters_are_sent_as_called_for",
        in_state("confirmed"),
        lambda me, _: [a_mail(me, "confirmed"), a_mail(me, "confirmed")],
    ),
    broken(
        "promises_come_from_history",
        in_state("confirmed"),
        lambda me, _: [a_message(me, "generate_secret", 2)],
    ),
    broken(
        "promises_are_not_ahead",
        in_state("issuing_secret"),
        lambda me, _: [of(Message, me, sequence=99)],
        "work_is_promised",
    ),
    broken(
        "promises_are_made_once",
        in_state("issuing_secret"),
        lambda me, _: [a_message(me, "generate_secret", 3)],
    ),
    broken(
        "kept_promises_are_gone",
        in_state("cancelled", email=EMAIL),
        lambda me, _: [a_mail(me, "cancelled", promise_of(me))],
    ),
    broken(
        "secrets_live_in_order",
        in_state("awaiting_seller"),
        lambda me, _: [of(Secret, me, acknowledged_at=shifted(Secret.acknowledged_at, -HOUR))],
        "saving_is_in_history",
    ),
    broken(
        "links_live_in_order",
        UNLINKED,
        lambda me, _: [of(Link, me, confirmed_at=shifted(Link.ended_at))],
        "confirming_is_in_history",
    ),
)

BROKEN: Final = (*IDENTITY, *SECRECY, *PROMISES)
