"""API keys: each does what its scopes say until it is revoked, and none can be read back."""

import hashlib
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import Engine, update

from onboarding import access, db
from onboarding.db import reading, transaction
from onboarding.errors import Forbidden, Invalid, Unauthorised
from onboarding.ids import new_id
from onboarding.models import ApiKey
from tests.dumping import everything_written
from tests.noting import count_statements

GARBAGE = ["", " ", "onbk_", "é", "\0", "Bearer x", "x" * 10_000]


def create(name: str = "A plugin", *scopes: str) -> tuple[UUID, str]:
    with transaction() as session:
        key, text = access.create_api_key(session, name, scopes or access.SCOPES)
        return key.id, text


def rotate(key_id: UUID, **overlap: float) -> tuple[ApiKey, str]:
    with transaction() as session:
        made = access.rotate_api_key(session, key_id, timedelta(**overlap))
    assert made is not None
    return made


def found(text: str) -> ApiKey:
    with reading() as session:
        return access.api_key(session, text)[0]


def test_a_key_is_found_by_its_text_only(database: Engine) -> None:
    key_id, text = create()
    create("Another")
    assert found(text).id == key_id
    for wrong in (*GARBAGE, text[:-1], text + "x", text.upper(), str(key_id)):
        with pytest.raises(Unauthorised):
            found(wrong)


def test_a_key_is_long_recognisable_and_not_in_the_database(database: Engine) -> None:
    """T46."""
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


def test_a_mistyped_key_is_refused_before_anything_is_asked(sqlite: Engine) -> None:
    _, text = create()
    asked = count_statements(sqlite)
    for wrong in (
        text[:-1],
        text + "x",
        text[:20] + text[21:],
        text[:-1] + "-",
        "onbk_" + "a" * 49,
    ):
        with pytest.raises(Unauthorised):
            found(wrong)
    assert asked == []


def test_a_key_of_the_earlier_shape_goes_on_working(database: Engine) -> None:
    key_id, _ = create()
    earlier = "onbk_" + "aB3_-" * 8 + "xyz"
    with transaction() as session:
        hashed = hashlib.sha256(earlier.encode()).digest()
        session.execute(update(ApiKey).values(hash=hashed, ending=None))
    assert found(earlier).id == key_id


def test_keys_of_a_system_are_its_own_and_tell_which_it_is(database: Engine) -> None:
    key_id, _ = create("Portal", "onboardings:read")
    with transaction() as session:
        (portal,) = access.systems(session, "Portal")
        second = access.create_api_key(session, "second", access.SCOPES, portal)[0]
        assert [each.id for each in access.systems(session, str(portal.id))] == [portal.id]
        assert access.systems(session, "Nobody") == []
    assert portal.id == key_id == second.system_id
    assert create("Portal")[0] != portal.id


def test_a_rotated_key_works_until_the_overlap_ends(database: Engine) -> None:
    key_id, text = create("Portal", "onboardings:read")
    new, new_text = rotate(key_id, hours=1)
    assert (found(text).id, found(new_text).id) == (key_id, new.id)
    assert (new.scopes, new.system_id, new.name) == (["onboardings:read"], key_id, "Portal")
    with transaction() as session:
        session.execute(
            update(ApiKey).values(expires_at=db.in_seconds(-1)).where(ApiKey.id == key_id)
        )
        assert access.rotate_api_key(session, key_id, timedelta(hours=1)) is None
    with pytest.raises(Unauthorised):
        found(text)
    assert found(new_text).id == new.id


def test_a_key_that_ends_soon_is_not_given_more_time(database: Engine) -> None:
    key_id, text = create()
    rotate(key_id, seconds=0)
    with pytest.raises(Unauthorised):
        found(text)
    key_id, text = create()
    rotate(key_id, hours=1)
    ends = found(text).expires_at
    rotate(key_id, hours=24)
    assert found(text).expires_at == ends


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
