"""A secret, an address and a Seller ID, looked for in all that operators, systems and machines get to see."""

import base64
import io
import logging
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import quote

import pytest
from fastapi import FastAPI
from sqlalchemy import select

from onboarding import cli, links, mail
from onboarding.actions import ACTIONS
from onboarding.commands import exits
from onboarding.db import reading, transaction
from onboarding.links import SellerAccount
from onboarding.models import SealedSecret, Secret
from onboarding.operators import MAY
from onboarding.sealing import Keyring
from onboarding.settings import settings
from tests import builders
from tests.acting import a_lead
from tests.at_runs import begin, look, work
from tests.builders import SELLER, Walk
from tests.commands.conftest import Run
from tests.commands.looking import DOING, FILES, LOOKING
from tests.commands.naming import command_names
from tests.composing import put
from tests.databases import forget_settings
from tests.listening import an_endpoint
from tests.ten_stuck import broken
from tests.web.calling import a_system
from tests.web.operating import a_quiet_site, at_console, home
from tests.web.test_console import WHY, pages
from tests.web.visiting import SAME_ORIGIN, soup
from workers import turns

EMAIL: Final = "canary-7731@lonely-lighthouse.example"
ACCOUNT: Final = SellerAccount(
    "https://portal.example", "subject-canary", "SELLER-CANARY-7731", "Lighthouse and Canary"
)
CONNECTION: Final = "Canary's own connection"
# Whatever a person could be found by.
PERSONAL: Final = (
    EMAIL,
    CONNECTION,
    "canary-7731",
    "lonely-lighthouse",
    ACCOUNT.seller_id,
    ACCOUNT.shop_name,
)


@dataclass
class Seen:
    """All that anybody got to see, by where; and what may be in none of it."""

    onboarding: Walk
    waiting: Walk
    told: dict[str, str] = field(default_factory=dict)
    kept: list[bytes] = field(default_factory=list)

    @property
    def reference(self) -> str:
        return builders.the(self.onboarding.id).reference

    def secrets(self) -> list[str]:
        """Both secrets, the one that nobody has seen too, and what is kept of them, however written."""
        revealed = (self.onboarding.revealed, builders.reveal(self.waiting.id))
        wanted: list[str | bytes] = [r.secret.get_secret_value() for r in revealed if r]
        return [form for one in (*wanted, *self.kept) for form in forms(one)]

    def places(self, *wanted: str) -> list[tuple[str, str]]:
        """Where something of these is to be read."""
        return [
            (place, each)
            for place, said in self.told.items()
            for each in wanted
            if each.lower() in said.lower()
        ]


def forms(secret: str | bytes) -> Iterator[str]:
    """As it is, a part of it, and as programs write it."""
    raw = secret.encode() if isinstance(secret, str) else secret
    if isinstance(secret, str):
        yield from (secret, secret[-20:], secret[9:40], secret[::-1], quote(secret))
    yield raw.hex()
    for encoded in (base64.b64encode(raw), base64.urlsafe_b64encode(raw)):
        # Its end depends on what follows.
        yield encoded.decode().rstrip("=")[:-1]
    yield repr(raw)[2:18]


def test_nobody_sees_a_secret_or_who_it_is(
    run: Run, ring: Keyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = look_everywhere(run, ring, monkeypatch)
    they_were_there_to_be_seen(seen)
    assert seen.places(*PERSONAL) == []
    # Letters are written to the person, and hold no secret either.
    letters = mail.stored(settings())
    assert letters
    seen.told["letters"] = "".join(f"{m.subject}{m.text}{m.html}" for m in letters)
    assert seen.places(*seen.secrets()) == []


def look_everywhere(run: Run, ring: Keyring, monkeypatch: pytest.MonkeyPatch) -> Seen:
    """Onboardings of one seller have gone through much, and everybody has looked at them."""
    with logged() as log:
        app = a_quiet_site(ring)
        made = Seen(a_linked_one(monkeypatch), builders.a_walk("secret_ready", email=EMAIL))
        begin(ring, a_lead(), look(a_lead(), "note", failing="yes"))
        work()
        made.kept += what_is_kept()
        for role in sorted(MAY):
            look_at_every_page(app, made, role)
        do_everything(app, made, a_linked_one(monkeypatch))
        look_as_a_system(app, made)
    made.told["log"] = log.getvalue()
    look_at_a_terminal(run, made)
    return made


def they_were_there_to_be_seen(seen: Seen) -> None:
    """What looks in the wrong place finds nothing, too."""
    places = {place for place, _ in seen.places(seen.reference, str(seen.onboarding.id))}
    page = home(seen.onboarding.id)
    for expected in (
        *(f"{role} GET {page}" for role in MAY),
        "viewer GET /en/console/causes/send_email/busy",
        "viewer GET /en/console/bulk/1",
        "viewer GET /en/console/bulk/1/items.csv",
        "viewer POST /en/console/export",
        "viewer find",
        "GET /v1/operations/onboardings",
        f"GET /v1/operations/onboardings/{seen.reference}",
        *(f"ls{form}" for form in FILES),
        *("ls", "show", "incidents", "audit ls", "bulk show", "log"),
    ):
        assert expected in places
    assert "issuing_secret" in seen.told["/metrics"]
    assert "data: " in seen.told["viewer GET /en/console/live"]


def test_every_command_is_looked_at_or_shows_nobody() -> None:
    assert {*LOOKING} | DOING == {*command_names(cli.app)}


@contextmanager
def logged() -> Iterator[io.StringIO]:
    """All that is logged, however unimportant, as it is written in production."""
    root, said = logging.getLogger(), io.StringIO()
    handler, level = logging.StreamHandler(said), root.level
    # As `logs.configure` made it; loggers keep what they were given first, so there is no second time.
    handler.setFormatter(root.handlers[0].formatter)
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        yield said
    finally:
        root.removeHandler(handler)
        root.setLevel(level)


def a_linked_one(monkeypatch: pytest.MonkeyPatch) -> Walk:
    """Its secret was shown and saved, its letter could not be sent, and its seller account is linked."""
    walk = builders.a_walk("secret_revealed", email=EMAIL)
    put(walk.id, connection_name=CONNECTION)
    with monkeypatch.context() as away:
        away.setenv("ONBOARDING_SMTP_URL", "smtp://127.0.0.1:1")
        forget_settings()
        for message in builders.promised("send_email", walk.id):
            turns.run(str(message.id))
            builders.end_the_rest_of(message.id)
    forget_settings()
    broken(walk.id, "send_email", "busy")
    builders.STEPS["acknowledge"](walk)
    with transaction() as session:
        links.link_seller(session, walk.id, SELLER, ACCOUNT)
    return walk


def what_is_kept() -> list[bytes]:
    """What the database has instead of secrets."""
    with reading() as session:
        columns = (SealedSecret.ciphertext, Secret.hash)
        return [each for column in columns for each in session.scalars(select(column))]


def look_at_every_page(app: FastAPI, seen: Seen, role: str) -> None:
    """Each page, and what each form answers that was sent empty."""
    visitor = at_console(app, role)
    for method, path, _ in pages(seen.onboarding.id):
        answer = visitor.send(method, path, headers=SAME_ORIGIN)
        seen.told[f"{role} {method} {path}"] = answer.text
    for form in ("csv", "csv-marked", "ndjson"):
        seen.told[f"{role} {form}"] = visitor.post("/en/console/export", {"form": form}).text
    for action in ACTIONS:
        for view in ("new", "new.csv"):
            path = f"/en/console/bulk/{view}?action={action}"
            seen.told[f"{role} {path}"] = visitor.get(path).text
    seen.told[f"{role} find"] = visitor.follow(visitor.post("/en/console/find", {"q": EMAIL})).text


def do_everything(app: FastAPI, seen: Seen, walk: Walk) -> None:
    """Each action on an onboarding that goes through a lot, and what its page says then."""
    visitor = at_console(app, "admin")
    for action in sorted(ACTIONS, key=lambda name: name == "cancel"):
        path = f"{home(walk.id)}/{action}"
        page = visitor.get(path)
        if page.status_code == 200:
            options = soup(page).select("[name=choice]")
            choice = str(options[0].get("value") or "7") if options else ""
            answer = visitor.follow(visitor.press(page, path, reason=WHY, choice=choice))
            seen.told[f"done: {action}"] = answer.text
        seen.told[f"after {action}"] = visitor.get(home(walk.id)).text
    seen.told["the trail"] = visitor.get("/en/console/audit").text


def look_as_a_system(app: FastAPI, seen: Seen) -> None:
    """What is there for systems that look at everybody's, and for those that watch."""
    system = a_system(app, ["operations:read", "audit:read"])
    webhook_id = an_endpoint("https://hooks.example/")
    for path, methods in app.openapi()["paths"].items():
        if "Operations" in methods.get("get", {}).get("tags", []):
            about = {"reference": seen.reference, "number": 1, "webhook_id": webhook_id}
            address = path.format(**about)
            seen.told[f"GET {address}"] = system.get(address).raise_for_status().text
    for path in ("/metrics", "/livez", "/readyz?verbose=1"):
        seen.told[path] = system.get(path).text


def look_at_a_terminal(run: Run, seen: Seen) -> None:
    """Each command that shows something, for programs and for people."""
    for name, options in LOOKING.items():
        shown = [run(*name.split(), *shlex.split(given(options, seen)))]
        assert shown[0].code in {exits.DONE, exits.FINDINGS}, (name, shown[0].err)
        if options.endswith("--json"):
            shown.append(run(*name.split(), *shlex.split(given(options, seen))[:-1]))
        seen.told[name] = "".join(each.out + each.err for each in shown)
    for options in FILES:
        seen.told[f"ls{options}"] = run("ls", *shlex.split(given(options, seen))).out


def given(options: str, seen: Seen) -> str:
    return options.format(ref=seen.reference, email=EMAIL, seller=ACCOUNT.seller_id)
