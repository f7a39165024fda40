"""The page of an onboarding leads to the trace of what was promised for it, where there is one."""

from collections.abc import Iterator

import pytest
from fastapi import FastAPI
from sqlalchemy import Engine

from onboarding import tracing
from onboarding.sealing import Keyring
from tests.builders import an_onboarding, promised
from tests.databases import forget_settings
from tests.tracing import Kept
from tests.web.operating import a_quiet_site, at_console, home


@pytest.fixture
def app(database: Engine, ring: Keyring, monkeypatch: pytest.MonkeyPatch) -> Iterator[FastAPI]:
    """A site whose traces can be looked at."""
    monkeypatch.setenv("ONBOARDING_TRACE_URL", "https://traces.example/trace/{trace_id}")
    forget_settings()
    yield a_quiet_site(ring)
    tracing.stop()


@pytest.mark.parametrize(("locale", "words"), [("en", "See its trace"), ("fr", "Voir sa trace")])
def test_a_message_leads_to_the_trace_that_promised_it(
    app: FastAPI, locale: str, words: str
) -> None:
    Kept()
    onboarding_id = an_onboarding("issuing_secret")
    (message,) = promised("generate_secret", onboarding_id)
    page = at_console(app, "viewer", locale).get(home(onboarding_id).replace("/en/", f"/{locale}/"))
    trace = tracing.trace_id(message.traceparent)
    assert f'<a href="https://traces.example/trace/{trace}">{words}</a>' in page.text


def test_what_was_promised_without_traces_has_no_link(app: FastAPI) -> None:
    onboarding_id = an_onboarding("issuing_secret")
    page = at_console(app, "viewer").get(home(onboarding_id))
    assert "generate_secret" in page.text
    assert "traces.example" not in page.text
