"""What is known of one person goes: afterwards no column of any table has their address or name."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import JSON, Engine, String, delete, insert, select

from onboarding import (
    connections,
    deliveries,
    erasing,
    handover,
    invariants,
    kept_answers,
    lifecycle,
    links,
    proofs,
    queries,
)
from onboarding.access import Actor
from onboarding.db import reading, transaction
from onboarding.erasing import Erased, Left
from onboarding.errors import Invalid
from onboarding.kept_answers import Answer
from onboarding.links import SellerAccount
from onboarding.models import Base, ContactCode, Delivery, Message, Onboarding
from onboarding.retention import RETENTION
from onboarding.sealing import Keyring
from tests.builders import SELLER, a_walk, an_onboarding, fire, promised, state_of, the, work
from tests.dumping import dump
from tests.good_rows import GOOD
from tests.leaking import disclose
from tests.listening import an_endpoint
from tests.test_archiving import a_delivery
from workers import turns

WHO = "Ana.Martin@shop.example"
NEAR = ("joana.martin@shop.example", "ana.martin@shop.example.org")
SHOP = SellerAccount("https://portal.example", "subject-ana", "S-9001", "Chez Ana")
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)


def erase(address: str = WHO) -> Erased:
    done = Erased()
    erasing.erase(address, done)
    return done


def findings() -> list[str]:
    return [f"{each}" for outcome in invariants.check() for each in outcome.named]


def places(database: Engine, *texts: str) -> set[str]:
    """Tables in which one of these stands, however it is written."""
    wanted = [text.casefold() for text in texts]
    return {
        table
        for table, rows in dump(database).items()
        for row in rows
        if any(text in repr(row).casefold() for text in wanted)
    }


def a_connection() -> UUID:
    """Theirs, which has worked, and has ended since."""
    walk = a_walk("awaiting_seller", email=WHO)
    with transaction() as session:
        links.link_seller(session, walk.id, SELLER, SHOP)
    fire(walk.id, "confirm")
    work(walk.id)
    with transaction() as session:
        connections.revoke(session, walk.id, SELLER)
    work(walk.id)
    return walk.id


def a_browser(onboarding_id: UUID) -> None:
    """In which they have signed in."""
    with transaction() as session:
        browser, _ = proofs.open_session(session)
        proofs.grant(session, browser, onboarding_id)
        browser.issuer, browser.subject = SHOP.issuer, SHOP.subject
        browser.seller_name, browser.accounts = "Ana Martin", {SHOP.seller_id: SHOP.shop_name}


def an_answer(onboarding_id: UUID) -> None:
    body = (
        f'{{"id": "{onboarding_id}", "seller": {{"seller_id": "S-9001", "shop_name": "Chez Ana"}}}}'
    )
    with transaction() as session:
        kept_answers.keep(session, b"r" * 32, b"f" * 32, Answer(201, body, {}))


def test_what_is_over_goes_whole_and_nothing_has_the_address_or_the_name(database: Engine) -> None:
    ended, cancelled = a_connection(), an_onboarding("cancelled", email=WHO.upper())
    work(cancelled)
    a_browser(ended)
    an_answer(ended)
    another = an_onboarding("started", email=NEAR[0])
    assert places(database, WHO, "Chez Ana", "S-9001", "Ana Martin")
    references = [the(each).reference for each in (ended, cancelled)]
    seen = erasing.look(WHO)
    done = erase()
    assert sorted(done.removed) == sorted(references) == sorted(seen.removed)
    assert (+done.masked, done.left) == ({"kept_answers.body": 1}, [])
    assert +seen.masked == +done.masked
    gone = ("Chez Ana", "S-9001", "subject-ana", str(ended), ended.hex)
    assert places(database, *gone) <= {"kept_answers"}
    assert places(database, WHO) == {"onboardings"}
    assert the(another).contact_email == NEAR[0]
    with reading() as session:
        (body,) = session.scalars(select(Base.metadata.tables["kept_answers"].c.body))
    assert "Chez Ana" not in body
    assert str(ended) in body
    assert findings() == []
    assert not erase().anything


@pytest.mark.parametrize(
    ("state", "why"),
    [("started", "open"), ("secret_ready", "open"), ("confirmed", "connected")],
)
def test_what_goes_on_stays_whole_until_it_is_ended(database: Engine, state: str, why: str) -> None:
    mine = an_onboarding(state, email=WHO)
    with transaction() as session:
        session.add(ContactCode(onboarding_id=mine, email=WHO, used_at=LONG_AGO))
    before = dump(database)
    done = erase()
    assert not done.anything
    assert done.left == [Left(the(mine).reference, state, why)]
    assert dump(database) == before
    with transaction() as session:
        if why == "connected":
            connections.revoke(session, mine, SELLER)
        else:
            lifecycle.fire(session, mine, "cancel", SELLER)
    assert [each.why for each in erase().left] == ["under_way"]
    work(mine)
    erase()
    assert places(database, WHO) == set()
    assert findings() == []


def test_a_leak_of_whoever_is_erased_meanwhile_is_over(database: Engine) -> None:
    walk = a_walk("confirmed", email=WHO)
    assert walk.revealed is not None
    disclose(walk.revealed.secret)
    with transaction() as session:
        connections.revoke(session, walk.id, SELLER)
    work(walk.id)
    assert erase().removed
    (message,) = promised("answer_leak")
    turns.run(str(message.id))
    assert promised() == []
    assert findings() == []


def test_where_they_are_named_as_a_developer_they_stay_until_it_is_over(database: Engine) -> None:
    other = an_onboarding("secret_ready", email=NEAR[0])
    with transaction() as session:
        handover.name(session, other, SELLER, WHO)
    work(other)
    before = dump(database)
    assert erase().left == [Left(the(other).reference, "secret_ready", "developer")]
    assert dump(database) == before
    fire(other, "cancel")
    work(other)
    done = erase()
    assert (+done.masked, done.left) == ({"handovers.email": 1}, [])
    assert findings() == []


def test_a_letter_that_cannot_be_sent_keeps_nothing_there(database: Engine) -> None:
    mine = an_onboarding("cancelled", email=WHO)
    with transaction() as session:
        for message in session.scalars(select(Message)):
            message.failed_at, message.cause = LONG_AGO, "address_refused"
            message.last_error = f"550 no such mailbox: <{WHO}>"
    assert erase().removed
    assert mine not in _all()
    assert findings() == []


def test_of_what_something_is_sent_again_at_that_moment_it_stays(postgresql: Engine) -> None:
    webhook = an_endpoint("https://receiver.example/")
    busy, free = (an_onboarding("cancelled", email=WHO) for _ in range(2))
    with transaction() as session:
        session.execute(delete(Message))
        session.add_all(a_delivery(webhook, each) for each in (busy, free))
    done, reference = Erased(), the(free).reference
    with ThreadPoolExecutor(1) as others, transaction() as session:
        assert deliveries.redeliver(session, webhook, Delivery.onboarding_id == busy) == 1
        others.submit(erasing.erase, WHO, done).result()
    assert done.removed == [reference]
    assert state_of(busy) == "cancelled"


def test_whoever_else_names_them_keeps_the_rest(database: Engine, ring: Keyring) -> None:
    """By note, by answer, by code: only the address goes."""
    other = an_onboarding("started", email=NEAR[1])
    with transaction() as session:
        session.get_one(Onboarding, other).answers = {"developer_email": WHO, "role": "partner"}
        proofs.send_code(session, session.get_one(Onboarding, other), WHO)
    fire(other, "cancel", Actor("operator", "operator:1", f"rang us\n{WHO.lower()}, twice"))
    done = erase()
    assert done.removed == []
    assert {"onboardings.answers", "transitions.details", "contact_codes.email"} <= {*+done.masked}
    assert the(other).answers == {"developer_email": "(erased)", "role": "partner"}
    assert the(other).contact_email == NEAR[1]
    assert places(database, f"{WHO},", f"'{WHO}'") == set()


def test_an_address_that_ends_or_begins_like_it_is_somebody_else_s(database: Engine) -> None:
    other = an_onboarding("started", email=NEAR[0])
    said = f"not {WHO} but {NEAR[0]}, {NEAR[1]} and x-{WHO}; <mailto:{WHO}>."
    fire(other, "cancel", Actor("operator", "operator:1", said))
    assert erase().masked["transitions.details"] == 1
    kept = f"not (erased) but {NEAR[0]}, {NEAR[1]} and x-{WHO}; <mailto:(erased)>."
    with reading() as session:
        assert queries.history(session, other)[-1].details["reason"] == kept


def _filled(column: Any) -> Any:
    """Something in which the address stands, as long as the column may be."""
    if isinstance(column.type, JSON):
        return {"said": [f"to {WHO}"]}
    return WHO if column.name in {"email", "seller_id"} else f"<{WHO}>"


def test_no_column_that_leads_to_a_person_is_forgotten(database: Engine) -> None:
    """Each of those that docs/retention.md lists, but for the trail, runs and operators."""
    stays = {"audit", "runs", "operators"}
    filled = set()
    with transaction() as session:
        for table in Base.metadata.sorted_tables:
            values: dict[str, Any] = {}
            for name in RETENTION[table.name].personal if table.name not in stays else ():
                column = table.c[name]
                of_their_own = name in {"contact_email", "contact_hash"}
                if isinstance(column.type, (String, JSON)) and not of_their_own:
                    values[name] = _filled(column)
                    filled.add(table.name)
            if table.name == "handovers":
                ended = {"ended_at": LONG_AGO, "ended_because": "withdrawn"}
                values |= ended | {"chosen_at": LONG_AGO}
            session.execute(insert(table).values({**GOOD[table.name], **values}))
    assert places(database, WHO) == filled
    seen, done = erasing.look(WHO), erase()
    assert places(database, WHO) == set()
    assert {name.partition(".")[0] for name in +done.masked} == filled
    assert seen.masked == done.masked


def test_what_is_no_address_erases_nothing(database: Engine) -> None:
    for typed in ("", "ana", "@shop.example", "ana martin@shop.example", "a@b@c"):
        with pytest.raises(Invalid):
            erasing.checked(typed)
    assert erasing.checked(f" {WHO}\n") == WHO


def _all() -> list[UUID]:
    with reading() as session:
        return [*session.scalars(select(Onboarding.id))]
