"""A secret that was sealed in another history of the database is shown to nobody, and destroyed."""

from uuid import UUID

import pytest
from fastapi import FastAPI
from sqlalchemy import Engine, create_engine, select, text, update

from onboarding import queries
from onboarding.db import reading, transaction
from onboarding.errors import EventNotAllowed
from onboarding.histories import this_history
from onboarding.models import SealedSecret
from onboarding.sealing import Keyring
from tests import builders
from tests.builders import an_onboarding, reveal, state_of
from tests.composing import EMAIL, put, written
from tests.dumping import dump
from tests.web.secret_walk import at, page_of
from tests.web.visiting import a_site, heading
from tests.web.visiting import text as text_of
from workers import clock

HEADINGS = {
    "en": "Your client secret was destroyed",
    "fr": "Votre secret client a été détruit",
}


def in_another_history() -> None:
    """As on a standby that was promoted: what is sealed was sealed before."""
    with transaction() as session:
        session.execute(update(SealedSecret).values(fence="7000.00000001.16384"))


def cause_of(onboarding_id: UUID) -> str | None:
    with reading() as session:
        cause: str | None = queries.history(session, onboarding_id)[-1].details.get("cause")
    return cause


def test_a_history_keeps_its_name(database: Engine) -> None:
    with reading() as session:
        names = {session.scalar(select(this_history())) for _ in range(3)}
    assert len(names) == 1
    assert names != {""}


def test_two_databases_of_one_server_are_two_histories(
    postgresql: Engine, postgres_database: str
) -> None:
    """As when a backup is restored beside the damaged one."""
    with postgresql.connect() as connection:
        ours = connection.scalar(select(this_history()))
    other = create_engine(postgres_database)
    with other.connect() as connection:
        assert connection.scalar(select(this_history())) != ours
    other.dispose()


def test_an_ordinary_role_may_ask_for_it(postgresql: Engine) -> None:
    """A self-hoster's role is not the server's owner."""
    with postgresql.connect() as connection:
        connection.execute(text("CREATE ROLE ordinary"))
        connection.execute(text("SET ROLE ordinary"))
        assert connection.scalar(select(this_history()))


def test_a_fenced_secret_is_not_revealed_and_nothing_is_written(database: Engine) -> None:
    onboarding_id = an_onboarding("secret_ready")
    in_another_history()
    before = dump(database)
    with pytest.raises(EventNotAllowed) as refused:
        reveal(onboarding_id)
    assert refused.value.unmet == "sealed_secret"
    assert "reissue_secret" in refused.value.allowed
    assert dump(database) == before


def test_the_sweep_destroys_what_is_fenced_and_nothing_else(database: Engine) -> None:
    fenced = an_onboarding("secret_ready")
    in_another_history()
    ours = an_onboarding("secret_ready")
    assert clock.forfeit().done == 1
    assert clock.forfeit().done == 0
    assert (state_of(fenced), cause_of(fenced)) == ("secret_lapsed", "other_history")
    assert state_of(ours) == "secret_ready"
    assert reveal(ours).version == 1


def test_a_new_secret_follows_on_a_fenced_one(database: Engine) -> None:
    onboarding_id = an_onboarding("secret_ready")
    in_another_history()
    clock.forfeit()
    builders.handle(onboarding_id, "reissue_secret")
    builders.work(onboarding_id)
    assert reveal(onboarding_id).version == 2


@pytest.mark.parametrize("locale", ["en", "fr"])
def test_who_clicks_before_the_sweep_is_told_why_and_gets_a_new_one(
    sqlite: Engine, ring: Keyring, locale: str
) -> None:
    app: FastAPI = a_site(ring)
    visitor = at(app, "secret_ready", locale=locale)
    page = page_of(visitor)
    in_another_history()
    answer = visitor.follow(visitor.press(page, "secret-reveal"))
    assert heading(answer) == HEADINGS[locale]
    assert ("not work any more" if locale == "en" else "ne fonctionne plus") in text_of(answer)


@pytest.mark.parametrize("locale", ["en", "fr"])
def test_no_letter_claims_that_nobody_saw_it(sqlite: Engine, locale: str) -> None:
    onboarding_id = an_onboarding("secret_ready")
    put(onboarding_id, contact_email=EMAIL)
    in_another_history()
    clock.forfeit()
    letter = written(onboarding_id, "secret_lapsed", locale)
    assert letter.subject == HEADINGS[locale]
    reminder = written(onboarding_id, "reminder", locale, number=1)
    for form in (letter.text, letter.html, reminder.text, reminder.html):
        assert ("not work any more" if locale == "en" else "ne fonctionne plus") in " ".join(
            form.split()
        )
