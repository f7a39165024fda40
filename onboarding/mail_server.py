"""Conversations with a mail server: for one letter after the other, as long as all goes well."""

import re
import smtplib
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from email.message import EmailMessage
from typing import Final
from urllib.parse import parse_qs, unquote, urlsplit

from onboarding import smtp

# Seconds that the mail server has for each of its answers.
PATIENCE: Final = 10.0
# And for all of them: less than a task may take, and much less than a worker's turn.
IN_ALL: Final = 15.0
# Causes that are over for every letter as soon as they are for one: nobody was there to take it.
AWAY: Final = frozenset({"mail_server_away", "mail_folder_unavailable"})

_OK: Final = 250


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


class Conversation:
    """With the server of this URL: it begins with the first letter, and anew after one that went wrong.

    To connect, to agree on TLS and to log in takes longer than to hand over a letter.
    """

    def __init__(self, url: str) -> None:
        self._url = urlsplit(url)
        self._server: smtp.Server | None = None

    def hand_over(self, message: EmailMessage) -> None:
        """Hand a letter over to the one whom it names. Raises Refused or Unavailable; neither names the address."""
        until = time.monotonic() + IN_ALL
        server, self._server = self._server, None
        with _failures_in_our_words():
            if server is None or not _listens(server, until):
                server = self._begun(until)
            try:
                server.send_message(message, to_addrs=[str(message["To"])])
            except BaseException:
                server.close()
                raise
        self._server = server

    def close(self) -> None:
        """The letters are handed over; how the server says good-bye changes nothing."""
        if self._server:
            with suppress(OSError):
                self._server.quit()
            self._server.close()

    def _begun(self, until: float) -> smtp.Server:
        """In TLS where it can be, logged in where asked to."""
        url = self._url
        encrypted = url.scheme == "smtps"
        port = url.port or (465 if encrypted else 587 if url.username else 25)
        context = ssl.create_default_context()
        server = smtp.connect(
            url.hostname or "",
            port,
            context if encrypted else None,
            patience=PATIENCE,
            until=until,
        )
        try:
            required = bool(url.username) or parse_qs(url.query).get("starttls") == ["required"]
            if not encrypted:
                _start_tls(server, context, required=required)
            if url.username:
                server.login(unquote(url.username), unquote(url.password or ""))
        except BaseException:
            server.close()
            raise
        return server


def _listens(server: smtp.Server, until: float) -> bool:
    """Whether it takes another letter. Some hang up after a number of them, or after a while."""
    server.until = until
    with suppress(OSError):
        if server.noop()[0] == _OK:
            return True
    server.close()
    return False


def _start_tls(server: smtp.Server, context: ssl.SSLContext, *, required: bool) -> None:
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
