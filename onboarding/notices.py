"""What we tell people: one letter for each notice, in their language.

A letter says what happened, what comes next and by when. It holds no secret, no more of a client ID
than its ending, and a link only where there is something to do; the link alone reveals nothing.
"""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from textwrap import fill
from typing import Any, Final
from uuid import UUID

from jinja2 import Environment
from sqlalchemy.orm import Session

from onboarding import (
    credentials,
    deadlines,
    developer_letters,
    letter_facts,
    masking,
    names,
    proofs,
    words,
)
from onboarding.letter_facts import Found
from onboarding.mail import Letter
from onboarding.masking import Personal
from onboarding.models import (
    ContactCode,
    DeveloperCode,
    Onboarding,
)
from onboarding.outbox import Claim
from onboarding.proofs import CODE_LASTS, RESUME_LINK_LASTS
from onboarding.sealing import Keyring
from onboarding.settings import Settings

TEMPLATES: Final = Path(__file__).parent / "mails"

# Notices that ask for something: they lead back to the onboarding.
ASKING: Final = frozenset(
    {
        "aggregator_approved",
        "aggregator_refused",
        "new_secret_shown",
        "no_call_yet",
        "reminder",
        "resume_link",
        "secret_expired",
        "secret_expires",
        "secret_lapsed",
        "secret_leaked",
        "secret_ready",
        "secret_revealed",
        "secret_stored",
        "seller_linked",
        "started_over",
        "verification_failed",
    }
)

_LINE: Final = 72


def compose(session: Session, claim: Claim, ring: Keyring, settings: Settings) -> Letter | None:
    """The letter that a message promises; None: it is no longer true, or nobody is there to read it.

    Composing it again gives the same letter with the same link. Raises NotFound.
    """
    assert claim.onboarding_id is not None
    found = letter_facts.find(session, claim.onboarding_id, claim.sequence)
    onboarding, notice = found.onboarding, str(claim.about["notice"])
    to = _addressee(session, claim, found)
    if not to:
        return None
    facts = _about_us(onboarding, settings) | _facts(found)
    if developer_letters.is_for_developer(notice, onboarding):
        facts |= developer_letters.facts(onboarding, ring, settings)
    elif notice in ASKING:
        facts |= _way_back(session, claim.id, onboarding, ring, settings)
    facts["found_at"] = claim.about.get("url")
    facts["by_key"] |= claim.about.get("credential") == "public_key"
    if notice in ("contact_code", "developer_code"):
        facts |= _code(ring, developer_letters.sent_code(session, claim))
    text_of = "developer_named" if facts.get("developer_url") and notice == "reminder" else notice
    subject, text, html = render(text_of, onboarding.locale, facts)
    whom = Personal(to)
    return Letter(claim.id, onboarding.id, notice, onboarding.locale, whom, subject, text, html)


def previewed(
    session: Session,
    onboarding: Onboarding,
    about: Mapping[str, Any],
    sequence: int,
    settings: Settings,
) -> tuple[str, str]:
    """Subject and text of a letter as a message about this would have it, for an operator to look at.

    Its link is made when it is sent, so there is none here; personal data is masked.
    """
    found = letter_facts.find(session, onboarding.id, sequence)
    facts = _about_us(onboarding, settings) | _facts(found) | {"found_at": about.get("url")}
    hidden = {name: masking.text(facts[name]) for name in ("seller_id", "shop_name")}
    if about["notice"] in ASKING:
        hidden["resume_url"] = f"{settings.base_url}/{onboarding.locale}/resume/…"
    subject, text, _ = render(str(about["notice"]), onboarding.locale, facts | hidden)
    return subject, text


def render(notice: str, locale: str, facts: Mapping[str, Any]) -> tuple[str, str, str]:
    """The subject, the text and the HTML of a notice. The text's template sets the subject."""
    templates = _templates(locale)
    text = templates.get_template(f"{notice}.txt").make_module(dict(facts))
    subject = str(vars(text)["subject"])
    subject = subject[:1].upper() + subject[1:]
    html = templates.get_template(f"{notice}.html").render(facts, subject=subject)
    return subject, _in_short_lines(str(text)), html


def about_us(locale: str, settings: Settings) -> dict[str, Any]:
    """What every letter can say. Addresses come from the settings, never from a request."""
    return {
        "locale": locale,
        "marketplace": settings.marketplace_name,
        "support_contact": settings.support_contact,
    }


def _addressee(session: Session, claim: Claim, found: Found) -> str | None:
    """Where the letter goes; None for a question, a reminder or a code that has been overtaken."""
    onboarding = found.onboarding
    if claim.about["notice"] == "contact_code":
        code = proofs.latest_code(session, onboarding.id)
        return code.email if code and developer_letters.is_awaited(session, claim, code) else None
    if developer_letters.is_for_developer(claim.about["notice"], onboarding):
        return developer_letters.addressee(session, claim, onboarding)
    if claim.about["notice"] == "no_call_yet" and _is_called(session, onboarding):
        return None
    if claim.about["notice"] == "secret_expires" and not _expires(claim, found):
        return None
    if (
        claim.about["notice"] in ("reminder", "secret_stored")
        and claim.sequence != onboarding.sequence
    ):
        return None
    return onboarding.contact_email


def _facts(found: Found) -> dict[str, Any]:
    """What was true at the transition that promised the letter, however late it is written."""
    onboarding = found.onboarding
    extra_days = onboarding.extra_days if found.sequence == onboarding.sequence else 0
    ends_at = deadlines.end(found.target, found.at, extra_days)
    aggregator, connection = _names(found)
    return {
        "state": found.target,
        "cause": found.details.get("cause"),
        "by": found.actor_kind,
        "by_key": found.details.get("credential") == "public_key",
        "handed_over": onboarding.handover_id is not None,
        "at": found.at,
        "ends_at": ends_at,
        "ends_today": bool(ends_at and ends_at.date() == found.now.date()),
        "connection_type": onboarding.connection_type,
        "delegated": onboarding.credential_mode == "delegated",
        "aggregator": aggregator or words.translate(onboarding.locale, "your aggregator"),
        "connection": connection or aggregator,
        "client_ending": (found.client_id or "")[-4:],
        "secret_expires_at": found.secret_expires_at,
        "first_used_at": found.first_used_at,
        "seller_id": _one_line(found.seller_id),
        "shop_name": _one_line(found.shop_name),
    }


def _is_called(session: Session, onboarding: Onboarding) -> bool:
    """Whether its client has called meanwhile, or is revoked."""
    client = credentials.live_client(session, onboarding.id)
    return client is None or client.first_used_at is not None


def _expires(claim: Claim, found: Found) -> bool:
    """Whether the version that the letter is about is still the one in use."""
    is_in_use = found.secret_version == claim.about["version"]
    return is_in_use and found.secret_expires_at is not None


def _names(found: Found) -> tuple[str, str]:
    """Of the aggregator and of the connection; empty where a stranger may have typed them.

    Anybody may enter any address, and a name could be an advertisement or a trap: until the address
    is proved, only the registry's names go there.
    """
    onboarding = found.onboarding
    aggregator = _one_line(onboarding.aggregator_name)
    if found.is_proved:
        return aggregator, _one_line(onboarding.connection_name)
    return (aggregator if onboarding.aggregator_id else ""), ""


def _way_back(
    session: Session, link_id: UUID, onboarding: Onboarding, ring: Keyring, settings: Settings
) -> dict[str, Any]:
    proofs.add_resume_link(session, link_id, onboarding.id)
    token = proofs.resume_token(ring, link_id)
    return {"resume_url": f"{settings.base_url}/{onboarding.locale}/resume/{token}"}


def _code(ring: Keyring, code: ContactCode | DeveloperCode) -> dict[str, Any]:
    """The code and its end. Anybody may enter any address: no name that was typed goes there."""
    return {
        "code": proofs.code_of(ring, code.id),
        "ends_at": code.created_at + CODE_LASTS,
        "connection": "",
        "aggregator": "",
        "shop_name": "",
    }


def _about_us(onboarding: Onboarding, settings: Settings) -> dict[str, Any]:
    """What every letter about an onboarding can say."""
    return about_us(onboarding.locale, settings) | {
        "token_minutes": -(-settings.token_lasts // 60),
        "reference": onboarding.reference,
        "seller_portal_url": settings.seller_portal_url,
        "documentation_url": settings.documentation_url,
        "test_url": f"{settings.base_url}/{onboarding.locale}/test-credentials",
        "start_url": f"{settings.base_url}/{onboarding.locale}/",
        "resume_hours": RESUME_LINK_LASTS // timedelta(hours=1),
        "code_minutes": CODE_LASTS // timedelta(minutes=1),
    }


@cache
def _templates(locale: str) -> Environment:
    made = words.environment(TEMPLATES, locale)
    # A letter without a link, or before there is a deadline, says nothing about one.
    made.globals |= {"resume_url": "", "developer_url": "", "code": "", "by_developer": False}
    made.filters["hour"] = _hour
    return made


def _hour(when: datetime) -> str:
    """The hour of an instant in UTC, as both languages write it."""
    return f"{when:%H:%M}"


def _one_line(text: str | None) -> str:
    """A name that somebody typed, without what could end a line or turn it round."""
    return " ".join(names.on_one_line(text or "").split())


def _in_short_lines(text: str) -> str:
    """Wrapped for readers of plain text; an address is never broken."""
    lines = (
        fill(
            line,
            _LINE,
            subsequent_indent="  " if line.startswith("- ") else "",
            break_long_words=False,
            break_on_hyphens=False,
        )
        if len(line) > _LINE
        else line.rstrip()
        for line in text.strip().split("\n")
    )
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)) + "\n"
