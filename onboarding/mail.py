"""Hands a letter over: to a mail server, or as a file where there is none.

No transaction is open while this runs. A letter that is handed over twice carries one Message-ID,
or overwrites its own file, so that nobody reads it twice.
"""

import os
import re
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import EmailPolicy, default
from email.utils import format_datetime
from functools import partial
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit
from uuid import UUID

from onboarding.errors import NotFound
from onboarding.mail_server import Conversation, Refused, Unavailable
from onboarding.masking import Personal
from onboarding.settings import Settings

_LOCAL_PART: Final = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}")
_DOMAIN: Final = re.compile(r"[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63})*")
# Control characters, line and paragraph separators, halves of characters.
_NEVER_IN_A_HEADER: Final = {"Cc", "Zl", "Zp", "Cs"}


class _AsWritten(EmailPolicy):
    """How a letter travels; a header of plain characters that fits on its line stays as it is written.

    The email package takes each apart and puts it together again, for half of what a letter takes.
    """

    def header_store_parse(self, name: str, value: Any) -> tuple[str, Any]:
        if isinstance(value, str) and self._stands(name, value):
            return name, value
        return super().header_store_parse(name, value)

    def header_fetch_parse(self, name: str, value: Any) -> Any:
        return value

    def _stands(self, name: str, value: str) -> bool:
        fits = len(f"{name}: {value}") <= (self.max_line_length or 0)
        return fits and value.isascii() and value.isprintable()


_POLICY: Final = _AsWritten(linesep="\r\n")


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


@contextmanager
def handing_over(settings: Settings) -> Iterator[Callable[[Letter], None]]:
    """What hands letters over: in one conversation with the mail server, or as files.

    It raises Refused or Unavailable; neither names the address.
    """
    if not settings.smtp_url:
        yield partial(_store, settings)
        return
    with closing(Conversation(settings.smtp_url)) as conversation:
        yield lambda letter: conversation.hand_over(as_message(letter, settings))


def as_message(letter: Letter, settings: Settings) -> EmailMessage:
    """A letter as it travels. Raises Refused for a header that could smuggle in another one."""
    message = EmailMessage(policy=_POLICY)
    message.set_content(letter.text, cte="quoted-printable")
    message.add_alternative(letter.html, subtype="html", cte="quoted-printable")
    # No quoted-printable text can hold this (RFC 2045 §6.7), so nobody has to look for one that is not there.
    message.set_boundary(f"=_{letter.message_id.hex[-16:]}")
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
    message["Date"] = format_datetime(datetime.now(UTC))
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


def _store(settings: Settings, letter: Letter) -> None:
    """Write a whole file or none: it holds links and codes, so it is its owner's alone."""
    message, folder = as_message(letter, settings), settings.mail_dir
    draft = folder / f".{letter.message_id}.{os.getpid()}"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(bytes(message))
            file.flush()
            os.fsync(file.fileno())
        draft.replace(folder / f"{letter.message_id}.eml")
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
