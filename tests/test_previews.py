"""A preview comes back as it went out, from whom it was made for, soon, or not at all."""

import base64
import zlib
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from onboarding import previews
from onboarding.previews import LASTS, Preview, PreviewOver
from onboarding.sealing import Keyring

AT = datetime(2026, 11, 27, 12, 0, tzinfo=UTC)


def a_preview(items: int = 1) -> Preview:
    seen = tuple((uuid4(), number + 1) for number in range(items))
    return previews.make("cancel", "operator:x", AT, seen)


def test_it_comes_back_as_it_went_out(ring: Keyring) -> None:
    for items in (1, 10_000):
        made = a_preview(items)
        text = previews.sealed(ring, made)
        assert previews.opened(ring, text, "operator:x", AT + LASTS) == made
        assert len(text) < 600 + 45 * items


@pytest.mark.parametrize("actor", ["operator:y", "", "operator:"])
def test_it_is_for_one_operator(ring: Keyring, actor: str) -> None:
    with pytest.raises(PreviewOver):
        previews.opened(ring, previews.sealed(ring, a_preview()), actor, AT)


def test_it_lasts_a_quarter_of_an_hour(ring: Keyring) -> None:
    text = previews.sealed(ring, a_preview())
    with pytest.raises(PreviewOver):
        previews.opened(ring, text, "operator:x", AT + LASTS + timedelta(seconds=1))


def test_nobody_can_write_one(ring: Keyring) -> None:
    text = previews.sealed(ring, a_preview())
    body, pepper_id, mac = text.split(".")
    said = zlib.decompress(base64.urlsafe_b64decode(body)).replace(b"cancel", b"reveal")
    forged = base64.urlsafe_b64encode(zlib.compress(said)).decode()
    for wrong in (
        f"{forged}.{pepper_id}.{mac}",
        f"{body}.other.{mac}",
        f"{body}.{pepper_id}.{'0' * 64}",
        f"{body}.{pepper_id}.none",
        f"{body}.{pepper_id}",
        f"{body}\0.{pepper_id}.{mac}",
        f"é.{pepper_id}.{mac}",
        "",
    ):
        with pytest.raises(PreviewOver):
            previews.opened(ring, wrong, "operator:x", AT)
