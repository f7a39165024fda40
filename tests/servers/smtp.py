"""An SMTP server that keeps what it receives, with STARTTLS and AUTH as a real relay would ask for."""

import asyncio
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from tests.servers.certificate import write_certificate

USERNAME = "onboarding"
PASSWORD = "only-for-tests"


@dataclass
class Smtp:
    """A running server: where it listens, what it received, and how it answers whom."""

    port: int
    certificate: Path | None
    host: str = "localhost"
    messages: list[EmailMessage] = field(default_factory=list)
    _answers: dict[str, list[str]] = field(default_factory=dict)
    _arrival: threading.Condition = field(default_factory=threading.Condition)

    @property
    def url(self) -> str:
        """With username and password, unless this server takes mail without."""
        login = f"{USERNAME}:{PASSWORD}@" if self.certificate else ""
        return f"smtp://{login}{self.host}:{self.port}"

    def wait_for(self, wanted: Callable[[EmailMessage], bool], timeout: float = 5) -> EmailMessage:
        """The first message that is wanted. Raises TimeoutError when none has come after `timeout` seconds."""
        deadline = time.monotonic() + timeout
        with self._arrival:
            while not (found := [message for message in self.messages if wanted(message)]):
                if not self._arrival.wait(deadline - time.monotonic()):
                    raise TimeoutError(f"None of {len(self.messages)} messages was the wanted one.")
        return found[0]

    def refuse(self, recipient: str, code: int, times: int = 1) -> None:
        """Refuses the next `times` messages to somebody: 451 is for now, 550 for ever."""
        answers = [f"{code} Refused as the test asked"] * times
        self._answers.setdefault(recipient, []).extend(answers)

    def forget(self) -> None:
        """Starts afresh: no messages, and nobody is refused."""
        self.messages.clear()
        self._answers.clear()

    # The two hooks that aiosmtpd calls, in the server's thread.

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if answers := self._answers.get(address):
            return answers.pop(0)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        assert isinstance(envelope.content, bytes)
        # Lines end in CRLF on the wire, and in a newline everywhere in Python.
        content = envelope.content.replace(b"\r\n", b"\n")
        with self._arrival:
            self.messages.append(message_from_bytes(content, policy=policy.default))
            self._arrival.notify_all()
        return "250 OK"


@contextmanager
def smtp_server(folder: Path, *, secure: bool = True) -> Iterator[Smtp]:
    """Runs a server in a thread; a secure one takes mail only after STARTTLS and AUTH.

    Clients trust it when the environment has its `certificate` in SSL_CERT_FILE.
    """
    server = Smtp(port=0, certificate=write_certificate(folder / "smtp") if secure else None)
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="smtp", daemon=True)
    thread.start()
    listening = asyncio.run_coroutine_threadsafe(listen(server), loop).result()
    try:
        yield server
    finally:
        asyncio.run_coroutine_threadsafe(close(listening), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def listen(server: Smtp) -> asyncio.Server:
    loop = asyncio.get_running_loop()
    listening = await loop.create_server(lambda: conversation(server, loop), "127.0.0.1", 0)
    server.port = listening.sockets[0].getsockname()[1]
    return listening


def conversation(server: Smtp, loop: asyncio.AbstractEventLoop) -> SMTP:
    if server.certificate is None:
        return SMTP(server, hostname=server.host, loop=loop)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(server.certificate, server.certificate.with_name("key.pem"))
    return SMTP(
        server,
        hostname=server.host,
        loop=loop,
        tls_context=context,
        require_starttls=True,
        auth_required=True,
        authenticator=authenticate,
    )


def authenticate(
    _server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, login: object
) -> AuthResult:
    correct = login == LoginPassword(USERNAME.encode(), PASSWORD.encode())
    # Not handled here, so that aiosmtpd sends the 535: its default leaves the client waiting.
    return AuthResult(success=correct, handled=False)


async def close(listening: asyncio.Server) -> None:
    """Stops listening, and ends the conversations that a test left open."""
    listening.close()
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
