"""Hands a letter over: to a mail server, or as a file where there is none.

No transaction is open while this runs. A letter that is handed over twice carries one Message-ID,
or overwrites its own file, so that nobody reads it twice.
"""

import os
import re
import smtplib
import ssl
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP, default
from pathlib import Path
from typing import Final
from urllib.parse import parse_qs, unquote, urlsplit
from uuid import UUID

from onboarding import smtp
from onboarding.errors import NotFound
from onboarding.masking import Personal
from onboarding.settings import Settings

# Seconds that the mail server has for each of its answers.
PATIENCE: Final = 10.0
# And for all of them: less than a task may take, and much less than a worker's turn.
IN_ALL: Final = 15.0
# Causes that are over for every letter as soon as they are for one: nobody was there to take it.
AWAY: Final = frozenset({"mail_server_away", "mail_folder_unavailable"})

_LOCAL_PART: Final = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}")
_DOMAIN: Final = re.compile(r"[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63})*")
# Control characters, line and paragraph separators, halves of characters.
_NEVER_IN_A_HEADER: Final = {"Cc", "Zl", "Zp", "Cs"}


@dataclass(frozen=True, slots=True)
class Letter:
    """One e-mail to one person. It prints a mask of whom it goes to, and not what it says."""

    message_id: UUID
    # None: it is for an operator, and about many.
    onboarding_id: UUID | None
    notice: str
    locale: str
    to: Personal
    subject: str = field(repr=False)
    text: str = field(repr=False)
    html: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class StoredMail:
    """A letter that was handed over as a file; its name is the message's ID."""

    name: str
    to: str
    subject: str
    date: datetime
    text: str
    html: str


class Refused(Exception):
    """This letter will not be taken, now or later. `cause` is a stable code for operators."""

    def __init__(self, cause: str, why: str) -> None:
        super().__init__(why)
        self.cause = cause


class Unavailable(Exception):
    """Nobody took the letter this time; try again. `cause` is a stable code for operators."""

    def __init__(self, cause: str, why: str) -> None:
        super().__init__(why)
        self.cause = cause


def deliver(letter: Letter, settings: Settings) -> None:
    """Hand a letter over. Raises Refused or Unavailable; neither names the address."""
    message = as_message(letter, settings)
    if settings.smtp_url:
        with _failures_in_our_words(), _conversation(settings.smtp_url) as server:
            server.send_message(message, to_addrs=[message["To"].addresses[0].addr_spec])
    else:
        _store(message, settings.mail_dir, letter.message_id)


def as_message(letter: Letter, settings: Settings) -> EmailMessage:
    """A letter as it travels. Raises Refused for a header that could smuggle in another one."""
    message = EmailMessage(policy=SMTP)
    message.set_content(letter.text, cte="quoted-printable")
    message.add_alternative(letter.html, subtype="html", cte="quoted-printable")
    # No quoted-printable text can hold this (RFC 2045 §6.7), so nobody has to look for one that is not there.
    message.set_boundary(f"=_{letter.message_id.hex}")
    headers = {
        "From": settings.mail_from,
        "To": _one_address(letter.to.clear),
        # What looks like an encoded word is decoded by the email package, line breaks included.
        "Subject": letter.subject.replace("=?", "= ?"),
        "Message-ID": f"<{letter.message_id}@{urlsplit(settings.base_url).hostname}>",
        "Auto-Submitted": "auto-generated",
        "Content-Language": letter.locale,
    }
    for name, value in headers.items():
        if "=?" in value or _NEVER_IN_A_HEADER & {unicodedata.category(one) for one in value}:
            raise Refused("header_refused", f"{name} holds a character that no header may hold")
        message[name] = value
    message["Date"] = datetime.now(UTC)
    return message


def stored(settings: Settings, limit: int = 100) -> list[StoredMail]:
    """The letters that were handed over as files, newest first."""
    files = sorted(settings.mail_dir.glob("*.eml"), key=lambda path: path.stat().st_mtime_ns)
    return [_parsed(path) for path in files[: -limit - 1 : -1]]


def read_stored(settings: Settings, name: str) -> StoredMail:
    """One of them, by the ID of its message. Raises NotFound."""
    try:
        path = settings.mail_dir / f"{UUID(name)}.eml"
        return _parsed(path)
    except (ValueError, FileNotFoundError):
        raise NotFound from None


def _one_address(text: str) -> str:
    """A plain address whose domain travels as ASCII. Raises Refused for anything else."""
    local, _, domain = text.strip().rpartition("@")
    with suppress(UnicodeError):
        domain = domain.encode("idna").decode()
        if _LOCAL_PART.fullmatch(local) and _DOMAIN.fullmatch(domain) and "=?" not in local:
            return f"{local}@{domain}"
    raise Refused("address_refused", "this is not an address that one letter can go to")


@contextmanager
def _conversation(url: str) -> Iterator[smtplib.SMTP]:
    """A mail server that is ready for a letter: in TLS where it can be, logged in where asked to."""
    parts = urlsplit(url)
    encrypted = parts.scheme == "smtps"
    port = parts.port or (465 if encrypted else 587 if parts.username else 25)
    context = ssl.create_default_context()
    server = smtp.connect(
        parts.hostname or "",
        port,
        context if encrypted else None,
        patience=PATIENCE,
        in_all=IN_ALL,
    )
    try:
        required = bool(parts.username) or parse_qs(parts.query).get("starttls") == ["required"]
        if not encrypted:
            _start_tls(server, context, required=required)
        if parts.username:
            server.login(unquote(parts.username), unquote(parts.password or ""))
        yield server
        # The letter is handed over; how the server says good-bye changes nothing.
        with suppress(OSError):
            server.quit()
    finally:
        server.close()


def _start_tls(server: smtplib.SMTP, context: ssl.SSLContext, *, required: bool) -> None:
    """Neither a password nor a letter that must be encrypted goes to a server without TLS."""
    server.ehlo_or_helo_if_needed()
    if server.has_extn("starttls"):
        server.starttls(context=context)
    elif required:
        raise Unavailable("mail_starttls_missing", "the mail server offers no STARTTLS")


@contextmanager
def _failures_in_our_words() -> Iterator[None]:
    """What the server answered often holds the address, so only its codes are kept."""
    try:
        yield
    except smtplib.SMTPRecipientsRefused as error:
        code, text = next(iter(error.recipients.values()))
        raise _failure(code, text, "address_refused", "address_deferred") from None
    except smtplib.SMTPAuthenticationError as error:
        answer = error.smtp_code, error.smtp_error
        raise _failure(*answer, "mail_login_refused", "mail_login_deferred") from None
    except smtplib.SMTPResponseException as error:
        answer = error.smtp_code, error.smtp_error
        raise _failure(*answer, "mail_server_refused", "mail_server_unavailable") from None
    except smtplib.SMTPNotSupportedError:
        raise Refused("mail_login_refused", "the mail server offers no login") from None
    except ssl.SSLCertVerificationError as error:
        why = f"the mail server's certificate: {error.verify_message}"
        raise Unavailable("mail_certificate_refused", why) from None
    except smtplib.SMTPServerDisconnected:
        why = "the mail server does not answer any more"
        raise Unavailable("mail_server_unavailable", why) from None
    except OSError as error:
        why = f"the mail server does not answer: {type(error).__name__}"
        raise Unavailable("mail_server_away", why) from None


def _failure(code: int, answer: bytes | str, final: str, passing: str) -> Refused | Unavailable:
    """5xx is the server's last word, anything else is not (RFC 5321 §4.2.1)."""
    text = answer.decode(errors="replace") if isinstance(answer, bytes) else answer
    enhanced = re.match(r"[245]\.\d{1,3}\.\d{1,3}\b", text)
    why = f"the mail server answered {code} {enhanced.group() if enhanced else ''}".rstrip()
    return Refused(final, why) if str(code).startswith("5") else Unavailable(passing, why)


def _store(message: EmailMessage, folder: Path, message_id: UUID) -> None:
    """Write a whole file or none: it holds links and codes, so it is its owner's alone."""
    draft = folder / f".{message_id}.{os.getpid()}"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(bytes(message))
            file.flush()
            os.fsync(file.fileno())
        draft.replace(folder / f"{message_id}.eml")
    except OSError as error:
        why = f"the folder for e-mails cannot be written: {error.strerror}"
        raise Unavailable("mail_folder_unavailable", why) from None


def _parsed(path: Path) -> StoredMail:
    message = message_from_bytes(path.read_bytes(), policy=default)
    return StoredMail(
        name=path.stem,
        to=str(message["To"]),
        subject=str(message["Subject"]),
        date=message["Date"].datetime,
        text=_part(message, "plain"),
        html=_part(message, "html"),
    )


def _part(message: EmailMessage, kind: str) -> str:
    """One of a letter's two forms, without the line ends of the wire."""
    part = message.get_body((kind,))
    return str(part.get_content()).replace("\r\n", "\n") if part else ""
