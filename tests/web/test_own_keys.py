"""A key of one's own, through the pages: instead of the client secret, or to have that encrypted."""

import contextlib
import io
import json
import re
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from joserfc.jwk import ECKey, RSAKey
from sqlalchemy import Engine

from onboarding import checksums, credentials, proofs
from onboarding.db import reading
from onboarding.models import SealedSecret, Secret, Transition
from onboarding.sealing import Keyring
from tests import builders
from tests.web import handing_over, secret_walk
from tests.web.handing_over import a_pair
from tests.web.presenting import Caller
from tests.web.secret_walk import count, path_of, secret_on, the
from tests.web.signing_clients import Signer, a_key
from tests.web.visiting import Visitor, a_site, heading, letters, soup, text


@pytest.fixture
def app(database: Engine, ring: Keyring) -> FastAPI:
    return a_site(ring)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of the developer's, where snippets run."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def public_text(key: Any) -> str:
    return json.dumps(key.as_dict(private=False))


def fill(visitor: Visitor, path: str, use: str, jwk: str) -> httpx.Response:
    """Open the form and send it."""
    page = visitor.open(f"{path}/public-key")
    return visitor.press(page, "/public-key", use=use, jwk=jwk)


def snippet(page: httpx.Response, name: str) -> str:
    found = soup(page).select_one(f"#{name}")
    assert found, text(page)
    return found.text


def run(code: str) -> tuple[str, dict[str, Any]]:
    """What a snippet prints, and the names that it leaves."""
    printed = io.StringIO()
    names: dict[str, Any] = {}
    with contextlib.redirect_stdout(printed):
        exec(code, names)
    return printed.getvalue().strip(), names


def signer_of(visitor: Visitor, key: Any) -> Signer:
    onboarding = the(visitor)
    with reading() as session:
        client = credentials.live_client(session, onboarding.id)
    assert client is not None
    return Signer(visitor.app, onboarding.id, client.id, key)


@pytest.mark.parametrize("locale", ["en", "fr"])
def test_a_seller_signs_instead_and_the_first_request_confirms(
    app: FastAPI, here: Path, locale: str
) -> None:
    """With the page's own snippets: one makes the key, the other signs."""
    visitor = secret_walk.at(app, "secret_ready", locale=locale)
    form = visitor.open(f"{path_of(visitor)}/public-key")
    pasted, _ = run(snippet(form, "make-key"))
    page = visitor.follow(visitor.press(form, "/public-key", use="sign", jwk=pasted))
    assert the(visitor).state == "secret_revealed"
    assert count(SealedSecret) == 0
    asked = "Use your public key" if locale == "en" else "Utilisez votre clé publique"
    assert asked in text(visitor.open(f"/{locale}/connections"))
    signed = snippet(page, "sign").partition("token = ")[0]
    _, names = run(signed)
    signer = signer_of(visitor, None)
    assert signer.ask(names["assertion"]).status_code == 200
    assert the(visitor).state == "awaiting_seller"
    with reading() as session:
        steps = list(session.query(Transition).order_by(Transition.sequence))
    assert steps[-2].details == {"credential": "public_key"}
    assert steps[-1].details == {"evidence": "first_use", "version": 1}


@pytest.mark.parametrize("make", [ECKey.generate_key, RSAKey.generate_key])
def test_a_seller_has_the_secret_encrypted(app: FastAPI, here: Path, make: Any) -> None:
    """The page's snippet opens it; no body of any answer has ever held it in the clear."""
    visitor, key = secret_walk.at(app, "secret_ready"), make()
    page = fill(visitor, path_of(visitor), "encrypt", public_text(key))
    (here / "private-key.json").write_text(json.dumps(key.as_dict(private=True)))
    shown = soup(page).select_one("#client_secret_jwe")
    assert shown
    (here / "client-secret.jwe").write_text(shown.text)
    secret, _ = run(snippet(page, "decrypt"))
    assert checksums.well_formed(secret)
    assert secret not in "".join(visitor.bodies)
    assert secret[-6:] not in page.text
    assert the(visitor).state == "secret_revealed"
    visitor.press(page, "/secret-acknowledgement", ending=secret[-6:])
    assert the(visitor).state == "awaiting_seller"
    client = signer_of(visitor, None).client_id
    assert Caller(app, the(visitor).id, client, secret).ask().status_code == 200


def test_a_key_that_lacks_a_part_is_told_which_a_key_has(app: FastAPI) -> None:
    visitor = secret_walk.at(app, "secret_ready")
    page = fill(visitor, path_of(visitor), "sign", '{"kty": "RSA"}')
    assert page.status_code == 422
    assert "This key lacks a part: with EC, a JWK has crv, x and y" in text(page)


@pytest.mark.parametrize("use", ["encrypt", "sign"])
def test_it_happens_once(app: FastAPI, use: str) -> None:
    """Whoever comes second, in whatever way, gets nothing."""
    visitor = secret_walk.at(app, "secret_ready")
    form = visitor.open(f"{path_of(visitor)}/public-key")
    outcomes = secret_walk.click_often(
        visitor, form, "/public-key", use=use, jwk=public_text(a_key())
    )
    shown = [each for _, each in outcomes if "client_secret_jwe" in each.text]
    assert len(shown) == (1 if use == "encrypt" else 0)
    assert secret_walk.events(visitor, "reveal_secret") == 1
    assert visitor.post(f"{path_of(visitor)}/secret-reveal").status_code == 303
    with reading() as session:
        assert bool(session.query(Secret).one().jwk) == (use == "sign")


def test_the_developer_brings_the_key_and_the_seller_hears_of_it(app: FastAPI) -> None:
    pair, key = a_pair(app), a_key()
    handing_over.prove(pair.developer, pair.link)
    answer = fill(pair.developer, pair.link, "sign", public_text(key))
    page = pair.developer.follow(answer)
    assert "registered" in heading(page)
    assert "has brought a public key" in text(pair.seller.open(pair.path))
    builders.work()
    letter = letters("public key")[0]
    assert "developer" in letter.text
    handing_over.choose_account(pair.seller)
    assert signer_of(pair.seller, key).ask().status_code == 200
    assert pair.state == "seller_linked"


def test_the_developer_has_it_encrypted_and_the_seller_never_sees_it(
    app: FastAPI, here: Path
) -> None:
    pair, key = a_pair(app), a_key()
    handing_over.prove(pair.developer, pair.link)
    page = fill(pair.developer, pair.link, "encrypt", public_text(key))
    (here / "private-key.json").write_text(json.dumps(key.as_dict(private=True)))
    (here / "client-secret.jwe").write_text(soup(page).select("#client_secret_jwe")[0].text)
    secret, _ = run(snippet(page, "decrypt"))
    handing_over.acknowledge(pair, secret)
    assert pair.state == "awaiting_seller"
    bodies = "".join([*pair.seller.bodies, *pair.developer.bodies])
    assert secret not in bodies
    assert not re.search(r"client_secret_jwe|eyJ", "".join(pair.seller.bodies))


@pytest.mark.parametrize("use", ["sign", "encrypt"])
def test_the_seller_cannot_while_a_developer_is_named(app: FastAPI, use: str) -> None:
    pair = a_pair(app)
    assert "/public-key" not in pair.seller.open(pair.path).text
    assert pair.seller.get(f"{pair.path}/public-key").status_code == 303
    typed = {"use": use, "jwk": public_text(a_key()), "sequence": str(the(pair.seller).sequence)}
    answer = pair.seller.follow(pair.seller.post(f"{pair.path}/public-key", typed))
    assert "client_secret_jwe" not in answer.text
    assert (pair.state, count(SealedSecret)) == ("secret_ready", 1)


def test_a_stranger_cannot(app: FastAPI) -> None:
    pair = a_pair(app)
    typed = {"use": "sign", "jwk": public_text(a_key())}
    assert pair.developer.post(f"{pair.path}/public-key", typed).status_code == 404
    pair.developer.post(f"{pair.link}/public-key", typed)
    assert (pair.state, count(SealedSecret)) == ("secret_ready", 1)


def test_an_old_proof_is_asked_for_again_before_anything_is_pasted(app: FastAPI) -> None:
    visitor = secret_walk.at(app, "secret_ready")
    secret_walk.let_pass(visitor, proofs.PROOF_FRESH)
    path = path_of(visitor)
    for answer in (
        visitor.get(f"{path}/public-key"),
        visitor.post(f"{path}/public-key", {"use": "sign", "jwk": public_text(a_key())}),
    ):
        assert answer.status_code == 303
        assert answer.headers["location"].endswith("/proof?then=public-key")
    assert the(visitor).state == "secret_ready"


WRONG = {
    "nothing": ("", "Paste one public key"),
    "no JSON": ("ssh-ed25519 AAAA", "Paste one public key"),
    "another curve": (public_text(ECKey.generate_key("P-384")), "of this kind"),
    "for something else": ('{"use": "enc",' + public_text(a_key())[1:], "something else"),
    "a point beside the curve": ('{"kty":"EC","crv":"P-256","x":"AAAA","y":"AAAA"}', "Paste one"),
    "a weak RSA key": ('{"kty":"RSA","n":"' + "x" * 170 + '","e":"AQAB"}', "2048"),
    "a slow RSA key": ('{"kty":"RSA","n":"' + "x" * 2000 + '","e":"AQAB"}', "2048"),
    "an RSA key that was cut off": ('{"kty":"RSA","n":"' + "x" * 345 + '","e":"AQAB"}', "JWK"),
    "a secret": ('{"kty":"oct","k":"c2VjcmV0"}', "private key"),
}


@pytest.mark.parametrize(("pasted", "said"), WRONG.values(), ids=WRONG)
def test_what_cannot_be_used_is_said(app: FastAPI, pasted: str, said: str) -> None:
    visitor = secret_walk.at(app, "secret_ready")
    answer = fill(visitor, path_of(visitor), "sign", pasted)
    assert answer.status_code == 422
    assert said in text(answer)
    assert the(visitor).state == "secret_ready"
    kept = soup(answer).select("#jwk")[0].text
    assert kept == ("" if "private" in said else pasted)


def test_which_use_has_to_be_said(app: FastAPI) -> None:
    visitor = secret_walk.at(app, "secret_ready")
    answer = fill(visitor, path_of(visitor), "", public_text(a_key()))
    assert answer.status_code == 422
    assert "Select what your key is for" in text(answer)


@pytest.mark.parametrize("form", ["jwk", "cut", "pem"])
def test_a_private_key_is_kept_and_shown_nowhere(app: FastAPI, form: str) -> None:
    visitor, key = secret_walk.at(app, "secret_ready"), a_key()
    whole = json.dumps(key.as_dict(private=True))
    pem = key.as_pem(private=True).decode()
    pasted = {"jwk": whole, "cut": whole[:-3], "pem": pem}[form]
    answer = fill(visitor, path_of(visitor), "sign", pasted)
    assert "This is a private key" in text(answer)
    assert str(key.as_dict(private=True)["d"]) not in answer.text
    assert "BEGIN" not in answer.text


def test_a_new_key_takes_the_place_of_a_secret_that_goes_on(app: FastAPI) -> None:
    """The old one works until the new key has signed, and for as long as was chosen."""
    visitor = secret_walk.at(app, "secret_ready", "credentials_only")
    path = path_of(visitor)
    shown = visitor.press(visitor.open(path), "/secret-reveal")
    secret, key = secret_on(shown), a_key()
    visitor.press(visitor.open(path), "/secret-acknowledgement", ending=secret[-6:])
    old = Caller(app, the(visitor).id, signer_of(visitor, key).client_id, secret)
    visitor.press(visitor.open(f"{path}/client-secret"), "/new-secret", overlap_days="0")
    builders.work()
    page = visitor.follow(fill(visitor, path, "sign", public_text(key)))
    assert "Your new public key is registered" in text(page)
    assert old.ask().status_code == 200
    assert letters("public key")
    assert signer_of(visitor, key).ask().status_code == 200
    assert old.ask().status_code == 401
    assert "Public key in use" in text(visitor.open(f"{path}/client-secret"))
    done = text(visitor.open(path))
    assert "there is no client secret" in done
    assert "Test your credentials" not in done


def test_a_new_secret_may_come_encrypted(app: FastAPI, here: Path) -> None:
    visitor = secret_walk.at(app, "secret_ready", "credentials_only")
    path, key = path_of(visitor), a_key()
    secret = secret_on(visitor.press(visitor.open(path), "/secret-reveal"))
    visitor.press(visitor.open(path), "/secret-acknowledgement", ending=secret[-6:])
    visitor.press(visitor.open(f"{path}/client-secret"), "/new-secret", overlap_days="3")
    builders.work()
    page = fill(visitor, path, "encrypt", public_text(key))
    (here / "private-key.json").write_text(json.dumps(key.as_dict(private=True)))
    (here / "client-secret.jwe").write_text(soup(page).select("#client_secret_jwe")[0].text)
    new, _ = run(snippet(page, "decrypt"))
    visitor.press(page, "/new-secret-acknowledgement", ending=new[-6:])
    with reading() as session:
        assert session.get_one(Secret, (signer_of(visitor, key).client_id, 2)).acknowledged_at
