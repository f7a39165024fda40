"""The keyring: what one key closes only its other half opens, and a wrong key is noticed."""

import os
import stat
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onboarding import sealing
from onboarding.errors import Unavailable
from onboarding.sealing import Keyring, KeyringWrong, open_keyring, read_keyring
from tests.racing import race

RING = Keyring({})


@pytest.fixture(scope="module", autouse=True)
def a_ring(tmp_path_factory: pytest.TempPathFactory) -> None:
    RING.keys.update(open_keyring(tmp_path_factory.mktemp("keys")).keys)


def without(ring: Keyring, *purposes: str) -> Keyring:
    return Keyring({name: keys for name, keys in ring.keys.items() if name not in purposes})


@settings(max_examples=50, deadline=None)
@given(st.binary(max_size=300), st.binary(max_size=80))
def test_what_is_sealed_opens_in_its_context(cleartext: bytes, context: bytes) -> None:
    key_id, ciphertext = sealing.seal(RING, cleartext, context)
    assert len(cleartext) < 8 or cleartext not in ciphertext
    assert sealing.unseal(RING, key_id, ciphertext, context) == cleartext
    with pytest.raises(Unavailable):
        sealing.unseal(RING, key_id, ciphertext, context + b"!")


def test_sealing_twice_gives_two_ciphertexts() -> None:
    assert sealing.seal(RING, b"secret", b"c")[1] != sealing.seal(RING, b"secret", b"c")[1]


def test_a_ciphertext_with_any_bit_turned_does_not_open() -> None:
    key_id, ciphertext = sealing.seal(RING, b"secret", b"c")
    for place in range(len(ciphertext)):
        turned = bytearray(ciphertext)
        turned[place] ^= 1
        with pytest.raises(Unavailable):
            sealing.unseal(RING, key_id, bytes(turned), b"c")


@pytest.mark.parametrize("ciphertext", [b"", b"x", bytes(31), bytes(32), bytes(47), bytes(200)])
def test_what_was_never_sealed_does_not_open(ciphertext: bytes) -> None:
    key_id, _ = RING.current("seal")
    with pytest.raises(Unavailable):
        sealing.unseal(RING, key_id, ciphertext, b"c")


def test_a_worker_with_the_public_half_seals_and_cannot_open() -> None:
    worker = without(RING, "seal")
    key_id, ciphertext = sealing.seal(worker, b"secret", b"c")
    with pytest.raises(Unavailable):
        sealing.unseal(worker, key_id, ciphertext, b"c")
    assert sealing.unseal(RING, key_id, ciphertext, b"c") == b"secret"


def test_without_a_key_nothing_is_done() -> None:
    for purpose, attempt in (
        ("public", lambda ring: sealing.seal(ring, b"secret", b"c")),
        ("pepper", lambda ring: sealing.keyed_hash(ring, "c", "value")),
        ("pepper", lambda ring: sealing.matches(ring, "1999", "c", "value", bytes(32))),
        ("derive", lambda ring: sealing.derive(ring, "contact-code", "1")),
    ):
        with pytest.raises(Unavailable):
            attempt(without(RING, purpose))


def test_a_new_key_is_used_and_the_old_one_still_opens(tmp_path: Path) -> None:
    old = open_keyring(tmp_path)
    key_id, ciphertext = sealing.seal(old, b"secret", b"c")
    pepper_id, hashed = sealing.keyed_hash(old, "c", "value")
    other = open_keyring(tmp_path / "other")
    for purpose, held in other.keys.items():
        (key,) = held.values()
        (tmp_path / f"{purpose}.9999-01-01.key").write_text(key.hex())
    new = read_keyring(tmp_path)
    assert sealing.unseal(new, key_id, ciphertext, b"c") == b"secret"
    assert sealing.matches(new, pepper_id, "c", "value", hashed)
    assert sealing.keyed_hash(new, "c", "value")[0] == "9999-01-01"
    newer = sealing.seal(new, b"secret", b"c")
    assert newer[0] == "9999-01-01"
    assert sealing.unseal(new, *newer, b"c") == b"secret"


@given(st.text(), st.text(), st.text(), st.text())
def test_a_keyed_hash_is_of_one_value_in_one_context(
    context: str, value: str, other_context: str, other_value: str
) -> None:
    names = [n.replace("\0", "") for n in (context, value, other_context, other_value)]
    names = [n.encode("utf-8", "replace").decode() for n in names]
    key_id, hashed = sealing.keyed_hash(RING, names[0], names[1])
    same = names[:2] == names[2:]
    assert sealing.matches(RING, key_id, names[2], names[3], hashed) is same


def test_what_is_derived_depends_on_keyring_purpose_and_name(tmp_path: Path) -> None:
    values = {
        sealing.derive(ring, purpose, name)
        for ring in (RING, open_keyring(tmp_path))
        for purpose in ("contact-code", "resume-link")
        for name in ("1", "2")
    }
    assert len(values) == 8
    assert sealing.derive(RING, "resume-link", "1") in values


def test_fingerprints_tell_keyrings_apart_and_no_key(tmp_path: Path) -> None:
    mine, theirs = sealing.fingerprints(RING), sealing.fingerprints(open_keyring(tmp_path))
    assert sealing.fingerprints(RING) == mine
    assert not set(mine.values()) & set(theirs.values())
    keys = {key for held in RING.keys.values() for key in held.values()}
    assert not keys & set(mine.values())


def test_a_keyring_does_not_print_its_keys() -> None:
    said = repr(RING) + str(RING)
    for held in RING.keys.values():
        for key in held.values():
            assert repr(key)[2:-1] not in said
            assert key.hex() not in said


def test_a_keyring_is_made_once_and_for_its_owner_only(tmp_path: Path) -> None:
    folder = tmp_path / "var" / "keys"
    made = open_keyring(folder)
    assert {purpose: len(held) for purpose, held in made.keys.items()} == {
        "seal": 1,
        "public": 1,
        "pepper": 1,
        "derive": 1,
    }
    assert open_keyring(folder) == read_keyring(folder) == made
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}


def test_many_who_make_it_at_once_hold_the_same_keyring(tmp_path: Path) -> None:
    for number in range(20):
        folder = tmp_path / str(number)
        rings = race(*[partial(open_keyring, folder)] * 6)
        whole = read_keyring(folder)
        assert rings == [whole] * 6
        key_id, ciphertext = sealing.seal(whole, b"secret", b"c")
        assert sealing.unseal(whole, key_id, ciphertext, b"c") == b"secret"


def test_a_keyring_whose_making_was_cut_off_is_finished(tmp_path: Path) -> None:
    """By whoever comes next, whether the first was killed or is still at it."""
    order = ("pepper", "derive", "seal", "public")
    for written in range(len(order)):
        folder = tmp_path / str(written)
        whole = open_keyring(folder)
        for purpose in order[written:]:
            (folder / f"{purpose}.{whole.current(purpose)[0]}.key").unlink()
        ring = open_keyring(folder)
        key_id, ciphertext = sealing.seal(ring, b"secret", b"c")
        assert sealing.unseal(ring, key_id, ciphertext, b"c") == b"secret"
        assert {purpose: len(held) for purpose, held in ring.keys.items()} == dict.fromkeys(
            order, 1
        )
        for purpose in order[:written]:
            assert ring.keys[purpose] == whole.keys[purpose]


def test_no_half_written_key_is_left(tmp_path: Path) -> None:
    open_keyring(tmp_path)
    assert [path.name for path in tmp_path.iterdir() if not path.name.endswith(".key")] == []


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("seal.2026-01-01.key", "not hexadecimal"),
        ("seal.2026-01-01.key", "00" * 31),
        ("seal.2026-01-01.key", ""),
        ("seal.key", "00" * 32),
        ("door.2026-01-01.key", "00" * 32),
    ],
)
def test_what_is_no_key_is_named(tmp_path: Path, name: str, text: str) -> None:
    open_keyring(tmp_path)
    (tmp_path / name).write_text(text)
    with pytest.raises(KeyringWrong, match=name.replace(".", r"\.")):
        read_keyring(tmp_path)


def test_an_empty_folder_is_not_filled_by_reading(tmp_path: Path) -> None:
    """A worker that finds no keys must not make its own."""
    with pytest.raises(Unavailable):
        sealing.seal(read_keyring(tmp_path), b"secret", b"c")
    assert list(tmp_path.iterdir()) == []


def test_forked_children_draw_different_secrets() -> None:
    program = (
        "import os; from onboarding.credentials import new_secret; new_secret('mps', live=True)\n"
        "for _ in range(4):\n"
        "    if not (child := os.fork()):\n"
        "        print(new_secret('mps', live=True), flush=True); os._exit(0)\n"
        "    os.waitpid(child, 0)\n"
        "print(new_secret('mps', live=True))"
    )
    said = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(sealing.__file__).parents[1],
        env=os.environ,
    ).stdout.split()
    assert len(said) == len(set(said)) == 5
