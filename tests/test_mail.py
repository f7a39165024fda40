"""Letters arrive as they were meant, at one address, or say in two words why not."""

import socket
import ssl
import stat
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from onboarding import mail
from onboarding.errors import NotFound
from onboarding.ids import new_id
from onboarding.mail import Letter
from onboarding.mail_server import Refused, Unavailable
from onboarding.masking import Personal
from onboarding.settings import Settings
from tests.composing import hand_over
from tests.servers.smtp import Smtp, smtp_server

LETTER = Letter(
    message_id=UUID("0193aaaa-0000-7000-8000-000000000001"),
    onboarding_id=UUID("0193aaaa-0000-7000-8000-000000000002"),
    notice="secret_ready",
    locale="fr",
    to=Personal("ada@shop.example"),
    subject="Votre secret client est prêt",
    text="Déjà là ?\n\nhttps://api.market.example/fr/resume/" + "x" * 80 + "\n",
    html="<!doctype html><p>Déjà là ?</p>\n",
)
HEADERS = {"From", "To", "Subject", "Message-ID", "Auto-Submitted", "Content-Language", "Date"} | {
    "MIME-Version",
    "Content-Type",
}


@dataclass
class Postbox:
    """What a mail server was handed, with the envelopes; it says good-bye as it is told to."""

    farewell: str = "221 Bye"
    letters: list[tuple[list[str], EmailMessage]] = field(default_factory=list)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        content = envelope.content
        assert isinstance(content, bytes)
        self.letters.append((envelope.rcpt_tos, message_from_bytes(content, policy=default)))
        return "250 OK"

    async def handle_QUIT(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        return self.farewell


@contextmanager
def serving(postbox: Postbox, **options: Any) -> Iterator[int]:
    """Run a mail server on a free port."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
    controller = Controller(postbox, hostname="localhost", port=port, **options)
    controller.start()
    try:
        yield port
    finally:
        controller.stop()


def settings(**values: Any) -> Settings:
    return Settings(public_url="https://api.market.example", **values)


@pytest.fixture
def files(tmp_path: Path) -> Settings:
    """Settings without a mail server."""
    return settings(smtp_url="", mail_dir=tmp_path / "mail")


@pytest.fixture
def open_smtp(tmp_path: Path) -> Iterator[Smtp]:
    """A server that offers neither STARTTLS nor a login."""
    with smtp_server(tmp_path, secure=False) as server:
        yield server


@pytest.fixture(scope="module")
def shared_postbox() -> Iterator[tuple[Postbox, int]]:
    postbox = Postbox()
    with serving(postbox) as port:
        yield postbox, port


def test_a_letter_arrives_over_starttls_and_login(smtp: Smtp) -> None:
    hand_over(LETTER, settings(smtp_url=smtp.url))
    arrived = smtp.messages[0]
    assert set(arrived.keys()) == HEADERS
    assert arrived["Message-ID"] == f"<{LETTER.message_id}@api.market.example>"
    assert arrived["Auto-Submitted"] == "auto-generated"
    assert (arrived["To"], arrived["Subject"]) == (LETTER.to.clear, LETTER.subject)
    assert arrived["From"] == settings().mail_from
    assert arrived.get_content_type() == "multipart/alternative"
    assert [part.get_content() for part in arrived.iter_parts()] == [LETTER.text, LETTER.html]


def test_a_letter_sent_twice_is_one_message_to_a_mailbox(smtp: Smtp) -> None:
    for _ in range(2):
        hand_over(LETTER, settings(smtp_url=smtp.url))
    assert len({message["Message-ID"] for message in smtp.messages}) == 1


def test_a_server_without_starttls_gets_letters_only_where_nothing_forbids_it(
    open_smtp: Smtp,
) -> None:
    hand_over(LETTER, settings(smtp_url=open_smtp.url))
    assert len(open_smtp.messages) == 1
    address = f"localhost:{open_smtp.port}"
    for url in (f"smtp://{address}?starttls=required", f"smtp://someone:secret@{address}"):
        with pytest.raises(Unavailable) as caught:
            hand_over(LETTER, settings(smtp_url=url))
        assert caught.value.cause == "mail_starttls_missing"
    assert len(open_smtp.messages) == 1


def test_smtps_speaks_tls_from_the_first_byte(smtp: Smtp) -> None:
    assert smtp.certificate
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(smtp.certificate, smtp.certificate.with_name("key.pem"))
    postbox = Postbox()
    with serving(postbox, ssl_context=context) as port:
        hand_over(LETTER, settings(smtp_url=f"smtps://localhost:{port}"))
    assert [recipients for recipients, _ in postbox.letters] == [[LETTER.to.clear]]


def test_a_certificate_that_nobody_vouches_for_is_not_spoken_to(
    shared_smtp: Smtp, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared_smtp.forget()
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    with pytest.raises(Unavailable) as caught:
        hand_over(LETTER, settings(smtp_url=shared_smtp.url))
    assert caught.value.cause == "mail_certificate_refused"
    assert shared_smtp.messages == []


def test_a_wrong_password_is_final_and_not_repeated_in_the_error(smtp: Smtp) -> None:
    url = smtp.url.replace("only-for-tests", "p%40ss")
    with pytest.raises(Refused) as caught:
        hand_over(LETTER, settings(smtp_url=url))
    assert caught.value.cause == "mail_login_refused"
    assert "p@ss" not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize(
    ("code", "error", "cause"),
    [(550, Refused, "address_refused"), (451, Unavailable, "address_deferred")],
)
def test_a_refused_address_is_final_only_if_the_server_says_so(
    smtp: Smtp, code: int, error: type[Exception], cause: str
) -> None:
    smtp.refuse(LETTER.to.clear, code)
    with pytest.raises(error) as caught:
        hand_over(LETTER, settings(smtp_url=smtp.url))
    assert vars(caught.value)["cause"] == cause
    assert str(code) in str(caught.value)
    assert LETTER.to.clear not in "".join(traceback.format_exception(caught.value))
    hand_over(LETTER, settings(smtp_url=smtp.url))
    assert len(smtp.messages) == 1


def test_a_server_that_is_not_there_is_tried_again() -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    with pytest.raises(Unavailable) as caught:
        hand_over(LETTER, settings(smtp_url=f"smtp://127.0.0.1:{port}"))
    assert caught.value.cause == "mail_server_away"


def test_a_letter_that_was_taken_is_not_sent_again_for_a_rude_good_bye() -> None:
    postbox = Postbox(farewell="421 " + "busy " * 5000)
    with serving(postbox) as port:
        hand_over(LETTER, settings(smtp_url=f"smtp://localhost:{port}"))
    assert len(postbox.letters) == 1


def test_without_a_mail_server_a_letter_is_a_file_of_its_owner(files: Settings) -> None:
    for _ in range(2):
        hand_over(LETTER, files)
    [path] = files.mail_dir.iterdir()
    assert path.name == f"{LETTER.message_id}.eml"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(files.mail_dir.stat().st_mode) == 0o700


def test_stored_letters_are_listed_newest_first_and_read_back(files: Settings) -> None:
    assert mail.stored(files) == []
    letters = [replace(LETTER, message_id=new_id(), subject=f"{n}") for n in range(3)]
    for letter in reversed(letters):
        hand_over(letter, files)
    listed = mail.stored(files)
    first = listed[0]
    assert [one.subject for one in listed] == ["0", "1", "2"]
    assert mail.stored(files, limit=1) == [first] == [mail.read_stored(files, first.name)]
    assert (first.to, first.text, first.html) == (LETTER.to.clear, LETTER.text, LETTER.html)


@pytest.mark.parametrize(
    "name", ["", "..", "../secret", "/etc/passwd", "x", str(LETTER.onboarding_id)]
)
def test_no_other_file_can_be_read(files: Settings, name: str) -> None:
    hand_over(LETTER, files)
    (files.mail_dir.parent / "secret.eml").write_bytes(b"Subject: no\n\n")
    with pytest.raises(NotFound):
        mail.read_stored(files, name)


def test_a_folder_that_cannot_be_written_is_tried_again(files: Settings) -> None:
    files.mail_dir.write_text("in the way")
    with pytest.raises(Unavailable) as caught:
        hand_over(LETTER, files)
    assert caught.value.cause == "mail_folder_unavailable"


@pytest.mark.parametrize("subject", ["a\r\nBcc: e@evil.example", "a\nb", "a\0b", "a\u2028b"])
def test_a_subject_cannot_start_another_header(files: Settings, subject: str) -> None:
    with pytest.raises(Refused) as caught:
        hand_over(replace(LETTER, subject=subject), files)
    assert caught.value.cause == "header_refused"


def test_an_encoded_word_in_a_subject_stays_what_it_is(files: Settings) -> None:
    """The email package decodes it, and would write what it finds as a header of its own."""
    trick = "=?utf-8?q?a=0ABcc=3A_eve=40evil.example?="
    message = mail.as_message(replace(LETTER, subject=trick), files)
    assert set(message_from_bytes(bytes(message)).keys()) == HEADERS
    assert b"\nBcc" not in bytes(message)


@pytest.mark.parametrize(
    "address",
    [
        "",
        "nobody",
        "a@b@c.example",
        "ada@shop.example, eve@evil.example",
        "ada@shop.example\r\nBcc: eve@evil.example",
        "Ada <ada@shop.example>",
        '"a b"@shop.example',
        "=?utf-8?q?a=2Cb?=@shop.example",
        "ada@shop..example",
        "é@shop.example",
    ],
)
def test_a_letter_goes_to_one_plain_address_or_nowhere(files: Settings, address: str) -> None:
    with pytest.raises(Refused) as caught:
        hand_over(replace(LETTER, to=Personal(address)), files)
    assert caught.value.cause == "address_refused"
    assert not files.mail_dir.exists()


def test_a_domain_in_another_script_travels_as_ascii(files: Settings) -> None:
    message = mail.as_message(replace(LETTER, to=Personal(" ada+api@café.example ")), files)
    assert message["To"] == "ada+api@xn--caf-dma.example"


@examples(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    subject=st.text() | st.from_regex(r"=\?utf-8\?[qb]\?.{0,40}\?=.{0,20}"),
    to=st.text() | st.emails() | st.from_regex(r".{1,9}@.{1,9}\.example"),
)
def test_whatever_is_written_there_is_one_recipient_and_the_declared_headers(
    shared_postbox: tuple[Postbox, int], subject: str, to: str
) -> None:
    postbox, port = shared_postbox
    postbox.letters.clear()
    try:
        hand_over(
            replace(LETTER, subject=subject, to=Personal(to)),
            settings(smtp_url=f"smtp://localhost:{port}"),
        )
    except Refused as error:
        assert error.cause in {"header_refused", "address_refused"}  # noqa: PT017 - either is right
        assert postbox.letters == []
    else:
        [(recipients, arrived)] = postbox.letters
        assert len(recipients) == 1
        assert set(arrived.keys()) == HEADERS
        assert [a.addr_spec for a in arrived["To"].addresses] == recipients
