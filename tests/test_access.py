"""API keys: each does what its scopes say until it is revoked, and none can be read back."""

from uuid import UUID

import pytest
from sqlalchemy import Engine

from onboarding import access
from onboarding.db import new_id, reading, transaction
from onboarding.errors import Forbidden, Invalid, Unauthorised
from onboarding.models import ApiKey
from tests.dumping import everything_written

GARBAGE = ["", " ", "onbk_", "é", "\0", "Bearer x", "x" * 10_000]


def create(name: str = "A plugin", *scopes: str) -> tuple[UUID, str]:
    with transaction() as session:
        key, text = access.create_api_key(session, name, scopes or access.SCOPES)
        return key.id, text


def found(text: str) -> ApiKey:
    with reading() as session:
        return access.api_key(session, text)


def test_a_key_is_found_by_its_text_only(database: Engine) -> None:
    key_id, text = create()
    create("Another")
    assert found(text).id == key_id
    for wrong in (*GARBAGE, text[:-1], text + "x", text.upper(), str(key_id)):
        with pytest.raises(Unauthorised):
            found(wrong)


def test_a_key_is_long_recognisable_and_not_in_the_database(database: Engine) -> None:
    texts = {create()[1] for _ in range(3)}
    assert len(texts) == 3
    everything = everything_written(database)
    for text in texts:
        assert text.startswith("onbk_")
        assert len(text.removeprefix("onbk_")) >= 43
        assert text.removeprefix("onbk_").encode() not in everything


def test_a_revoked_key_is_as_good_as_none(database: Engine) -> None:
    key_id, text = create()
    with transaction() as session:
        assert access.revoke_api_key(session, key_id) is True
        assert access.revoke_api_key(session, key_id) is False
        assert access.revoke_api_key(session, new_id()) is False
    with pytest.raises(Unauthorised):
        found(text)


def test_a_key_may_do_what_its_scopes_say(database: Engine) -> None:
    _, text = create("Reader", "onboardings:read")
    key = found(text)
    access.require(key, "onboardings:read")
    for scope in (*set(access.SCOPES) - {"onboardings:read"}, "", "onboardings"):
        with pytest.raises(Forbidden):
            access.require(key, scope)


def test_scopes_are_ours_and_kept_once(database: Engine) -> None:
    with pytest.raises(Invalid):
        create("Greedy", "onboardings:read", "everything")
    _, text = create("Reader", "secrets:reveal", "onboardings:read", "secrets:reveal")
    assert found(text).scopes == ["onboardings:read", "secrets:reveal"]


def test_keys_are_listed_newest_first(database: Engine) -> None:
    ids = [create(str(number))[0] for number in range(3)]
    with reading() as session:
        listed = [key.name for key in access.api_keys(session)]
    assert sorted(listed) == ["0", "1", "2"]
    assert len(ids) == 3


def test_a_calling_system_is_named_after_its_key(database: Engine) -> None:
    key_id, text = create()
    assert access.calling_system(found(text)) == access.Actor("api", f"key:{key_id}")
