"""Onboardings are found by an e-mail address, and what finds them tells nobody the address."""

import secrets
import shutil
from pathlib import Path
from urllib.parse import quote
from uuid import UUID

import pytest
from sqlalchemy import Engine, select

from onboarding import finding, lifecycle, population
from onboarding.db import reading, transaction
from onboarding.errors import Unavailable
from onboarding.filters import Filter
from onboarding.models import Onboarding
from onboarding.sealing import Keyring
from onboarding.settings import settings
from tests import builders
from tests.composing import put
from tests.databases import forget_settings
from workers import clock

EMAIL = "ada.byron@shop.example"


def found_by(wanted: Filter) -> set[UUID]:
    with reading() as session:
        return {one.id for one in finding.page(session, wanted, 10)}


def test_a_view_by_address_is_one_to_send(database: Engine) -> None:
    one, same = builders.an_onboarding(email=EMAIL), builders.an_onboarding(email=EMAIL.upper())
    builders.an_onboarding(email="somebody@else.example")
    view = Filter(q=EMAIL, state="started").by_hash()
    assert found_by(view) == found_by(Filter(q=EMAIL)) == {one, same}
    said = view.query() + view.options()
    # "ada" is left out: a hash in hexadecimal digits spells it now and then.
    for part in (EMAIL, quote(EMAIL), "byron", "shop"):
        assert part not in said


def test_whoever_has_another_address_now_is_found_by_that(database: Engine) -> None:
    one = builders.an_onboarding(email=EMAIL)
    with transaction() as session:
        lifecycle.lock(session, one).contact_email = "new@shop.example"
    assert found_by(Filter(q="new@shop.example").by_hash()) == {one}
    assert found_by(Filter(q=EMAIL).by_hash()) == set()
    with transaction() as session:
        lifecycle.lock(session, one).contact_email = None
    assert builders.the(one).contact_hash is None


def test_a_rotation_of_keys_hides_nobody(
    database: Engine, keys_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = builders.an_onboarding(email=EMAIL)
    kept = Filter(q=EMAIL).by_hash()
    folder = Path(shutil.copytree(keys_folder, tmp_path / "keys"))
    (folder / "pepper.9999-01-01.key").write_text(secrets.token_bytes(32).hex())
    monkeypatch.setenv("ONBOARDING_KEYS_DIR", str(folder))
    forget_settings()
    after = builders.an_onboarding(email=EMAIL)
    assert builders.the(before).contact_hash != builders.the(after).contact_hash
    assert found_by(Filter(q=EMAIL)) == found_by(Filter(q=EMAIL).by_hash()) == {before, after}
    assert found_by(kept) == {before}


def test_those_of_before_are_found_until_the_clock_has_come_by_and_after(database: Engine) -> None:
    one = builders.an_onboarding(email=EMAIL)
    hashed = builders.the(one).contact_hash
    put(one, contact_hash=None)
    builders.an_onboarding()
    assert found_by(Filter(q=EMAIL)) == {one}
    assert clock.add_hashes() == (1, False)
    assert builders.the(one).contact_hash == hashed
    assert found_by(Filter(q=EMAIL).by_hash()) == {one}
    assert clock.add_hashes() == (0, False)


def test_samples_are_found_as_well(database: Engine, ring: Keyring) -> None:
    population.populate(60, ring, settings())
    with reading() as session:
        known = session.scalars(
            select(Onboarding).where(Onboarding.contact_email.is_not(None))
        ).all()
    assert known
    assert all(each.contact_hash for each in known)


def test_without_a_keyring_a_search_says_so_and_everything_else_goes_on(
    sqlite: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ONBOARDING_KEYS_DIR", str(tmp_path / "none"))
    forget_settings()
    one = builders.an_onboarding(email=EMAIL)
    assert builders.the(one).contact_hash is None
    assert clock.add_hashes() == (0, False)
    with pytest.raises(Unavailable):
        found_by(Filter(q=EMAIL))
