"""The console while all else is away: no broker, no worker."""

from datetime import timedelta

import httpx
import pytest
from sqlalchemy import Engine

from onboarding import outbox
from onboarding.models import Canary
from onboarding.sealing import Keyring
from onboarding.settings import Settings
from onboarding.web.app import create_app
from tests import builders
from tests.builders import make_older
from tests.servers.folders import server_folder
from tests.servers.valkey import Valkey
from tests.test_canaries import take
from tests.web.operating import at_console, home
from tests.web.test_console import WHY, act, pages
from tests.web.visiting import soup
from workers.app import build
from workers.publisher import CeleryPublisher
from workers.relay import send_canary

BROKER = "The broker does not answer."
WORKERS = "No worker takes work."


def said(answer: httpx.Response) -> set[str]:
    """Which of both a page says."""
    told = " ".join(soup(answer).text.split())
    return {each for each in (BROKER, WORKERS) if each in told}


@pytest.mark.parametrize("role", ["viewer", "admin"])
def test_every_page_answers_and_says_what_is_away(
    database: Engine, ring: Keyring, role: str
) -> None:
    onboarding_id = builders.an_onboarding("secret_ready")
    whole: list[str] = []
    send_canary()
    take()
    with server_folder() as folder, Valkey.start(folder) as valkey:
        app = create_app(Settings(broker_url=valkey.url), ring)
        app.state.live.lasts = 0.0
        celery = build(valkey.url)
        publisher = CeleryPublisher(celery)
        outbox.publish_with(publisher.publish)
        visitor = at_console(app, role)
        assert said(visitor.get("/en/console")) == set()
        valkey.kill()
        make_older(Canary, "taken_at", timedelta(minutes=2))
        for method, path, _ in pages(onboarding_id):
            if method == "GET":
                answer = visitor.get(path)
                assert answer.status_code < 500, path
                if 'class="console-nav"' in answer.text and answer.status_code == 200:
                    assert said(answer) == {BROKER, WORKERS}, path
                    whole.append(path)
        assert len(whole) > 7
        lead = at_console(app, "lead")
        assert lead.follow(act(lead, onboarding_id, "note")).status_code == 200
        assert WHY in lead.get(home(onboarding_id)).text
        outbox.publish_with(None)
        publisher.close()
        celery.close()
