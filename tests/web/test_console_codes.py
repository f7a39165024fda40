"""The console says codes in words, in both languages."""

import re
from datetime import UTC, datetime

import pytest
from fastapi import FastAPI
from sqlalchemy import Engine

from onboarding import audit
from onboarding.audit import Attempt
from onboarding.db import transaction
from onboarding.models import Delivery, Mail, Webhook
from onboarding.sealing import Keyring
from onboarding.web import console_codes, console_words
from onboarding.words import translate
from tests.builders import OPERATOR, an_onboarding, fire, reveal, the
from tests.guards.test_docs import ROOT
from tests.guards.test_trail import COMMANDS, NEEDLESS, PAGES, ROUTES
from tests.listening import an_endpoint
from tests.web.operating import a_quiet_site, at_console, home
from tests.web.visiting import soup
from workers.tasks import TASKS

NOW = datetime(2026, 11, 29, tzinfo=UTC)
# What writes why a version of a secret has ended.
_ENDS = re.compile(
    r'_end(?:_secret)?\((?:session, [\w.]+, )?"(\w+)"|ended_because="(\w+)"|"(\w+)" if'
)


@pytest.fixture
def app(database: Engine, ring: Keyring) -> FastAPI:
    return a_quiet_site(ring)


def written(*names: str) -> set[str]:
    """Why secrets end, as these modules write it."""
    texts = [(ROOT / "onboarding" / f"{name}.py").read_text(encoding="utf-8") for name in names]
    found = {each for text in texts for groups in _ENDS.findall(text) for each in groups}
    return found - {""}


def test_every_code_that_is_written_has_words() -> None:
    assert set(console_codes.TASKS) == set(TASKS)
    letters = {each.stem for each in (ROOT / "onboarding" / "mails").glob("[a-z]*.txt")}
    assert set(console_codes.LETTERS) == letters
    rows = {*COMMANDS.values(), *ROUTES.values(), *PAGES.values()} - {*NEEDLESS}
    assert rows <= {*console_codes.TRAIL, *console_words.ACTIONS}
    assert set(console_codes.ENDED) == written("consequences", "replacing")


@pytest.mark.parametrize("said", ["ENDED", "DELIVERY", "TASKS", "LETTERS", "TRAIL"])
def test_the_words_are_in_both_languages(said: str) -> None:
    for code, text in getattr(console_codes, said).items():
        assert translate("fr", text) != text, code


@pytest.mark.parametrize(
    ("locale", "words"),
    [
        ("en", ("(a new one was asked for)", "the client secret is ready", "Value shown in full")),
        (
            "fr",
            (
                "(un nouveau a été demandé)",
                "le secret client est prêt",
                "Valeur affichée en entier",
            ),
        ),
    ],
)
def test_the_page_of_an_onboarding_says_them(
    app: FastAPI, ring: Keyring, locale: str, words: tuple[str, ...]
) -> None:
    one = an_onboarding("secret_ready")
    reveal(one)
    fire(one, "reissue_secret", OPERATOR)
    with transaction() as session:
        session.add(Mail(id=one, onboarding_id=one, notice="secret_ready", locale="en"))
        seen = Attempt("operator:1", "lead", "unmask", "INC-442", onboarding_id=one)
        audit.append(session, ring, seen)
    path = home(one).replace("/en/", f"/{locale}/")
    text = " ".join(soup(at_console(app, "lead", locale).get(path)).text.split())
    for each in words:
        assert each in text
    assert re.findall(r"reissued|\bsecret_ready\b|\bunmask\b", text) == []
    assert the(one).state == "issuing_secret"


@pytest.mark.parametrize(
    ("locale", "words"), [("en", "nobody knows its name"), ("fr", "personne ne connaît son nom")]
)
def test_an_endpoint_that_is_disabled_says_why(app: FastAPI, locale: str, words: str) -> None:
    one = an_endpoint("https://hooks.example/")
    with transaction() as session:
        webhook = session.get_one(Webhook, one)
        webhook.disabled_at, webhook.disabled_because = NOW, "name_unknown"
        session.add(
            Delivery(
                **dict.fromkeys(("created_at", "next_at", "tried_at", "failed_at"), NOW),
                webhook_id=one,
                event_id="1",
                type="webhook.test",
                body=b"{}",
                attempts=8,
                cause="name_unknown",
            )
        )
    visitor = at_console(app, "lead", locale)
    for path in ("", "/webhooks", f"/webhooks/{one}"):
        text = soup(visitor.get(f"/{locale}/console{path}")).text
        assert words in text, path
        assert "name_unknown" not in text, path
