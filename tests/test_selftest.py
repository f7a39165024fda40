"""A test of credentials through the network: real servers, one for each of the nine verdicts."""

import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final

import pytest
from pydantic import SecretStr
from sqlalchemy import Engine

from onboarding import checksums, selftest, selftest_http
from onboarding.sealing import Keyring
from onboarding.selftest import STEPS, Outcome
from onboarding.verdicts import CASES, VERDICTS
from tests import builders
from tests.servers.certificate import write_certificate
from tests.serving import serving
from tests.web.calling import served
from tests.web.presenting import a_caller, wrong

Said = tuple[int, object]

SECRET: Final = checksums.new("mps_test_")
TOKEN: Final[Said] = (200, {"access_token": "t"})
SELLER: Final = {"seller_id": "S-1", "shop_name": "Shop", "confirmed_at": "2026-01-01T00:00:00Z"}
PAGE: Final = "<!doctype html><title>Just a moment...</title>"
# What a server answers to the question for a token and to the call, and what that means.
ANSWERS: Final[list[tuple[str, Said, Said]]] = [
    ("works", TOKEN, (200, {"seller": SELLER})),
    ("not_json", (200, PAGE), TOKEN),
    ("not_json", (403, PAGE), TOKEN),
    ("not_json", (302, ""), TOKEN),
    ("not_json", TOKEN, (200, PAGE)),
    ("malformed_request", (400, {"error": "invalid_request"}), TOKEN),
    ("malformed_request", (400, {"error": "unsupported_grant_type"}), TOKEN),
    ("malformed_request", (200, {"access_token": 7}), TOKEN),
    ("invalid_client", (401, {"error": "invalid_client"}), TOKEN),
    ("invalid_client", (400, {"error": "invalid_client"}), TOKEN),
    ("unauthorized_client", (400, {"error": "unauthorized_client"}), TOKEN),
    ("token_refused", TOKEN, (401, {"code": "token_invalid"})),
    ("not_linked", TOKEN, (403, {"code": "client_not_linked"})),
    ("not_linked", TOKEN, (403, {})),
    ("link_not_confirmed", TOKEN, (403, {"code": "link_not_confirmed"})),
    ("seller_unknown", TOKEN, (404, {"status": 404})),
    ("other_seller", TOKEN, (200, {"seller": SELLER | {"seller_id": "S-2"}})),
    ("other_seller", TOKEN, (200, {"seller": SELLER | {"status": "suspended"}})),
    ("other_seller", TOKEN, (200, {"seller": None})),
    ("too_many", (429, {"error": "x"}), TOKEN),
    ("too_many", TOKEN, (429, PAGE)),
    ("try_again", (503, PAGE), TOKEN),
    ("try_again", TOKEN, (500, {})),
]


@contextmanager
def answering(token: Said, call: Said, certificate: Path | None = None) -> Iterator[Any]:
    """A server that says this; `got` is what it was sent."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            is_call = self.path == "/v1/whoami"
            self._say(call if is_call else (404, {}))

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            server.got.append((self.path, body.decode()))  # type: ignore[attr-defined]
            self._say(token)

        def _say(self, said: Said) -> None:
            status, body = said
            text = (body if isinstance(body, str) else json.dumps(body)).encode()
            self.send_response(status)
            self.send_header("location", "https://elsewhere.example/")
            self.send_header("content-length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.got = []  # type: ignore[attr-defined]
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, certificate.with_name("key.pem"))
        server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()


def tried(url: str, client_id: str = "cid_1", secret: str = SECRET, seller: Any = None) -> Outcome:
    with selftest_http.elsewhere(url) as way:
        return selftest.run(way, client_id, SecretStr(secret), seller)


def url_of(server: Any, scheme: str = "http") -> str:
    return f"{scheme}://127.0.0.1:{server.server_port}"


@pytest.mark.parametrize(("case", "token", "call"), ANSWERS)
def test_an_answer_is_judged(case: str, token: Said, call: Said) -> None:
    with answering(token, call) as server:
        outcome = tried(url_of(server), seller="S-1")
    assert outcome.case == case
    assert outcome.works == (case == "works")


def test_all_nine_verdicts_can_be_had() -> None:
    told = {CASES[case].verdict for case, *_ in ANSWERS}
    assert told | {"unreachable"} >= {*VERDICTS}


def test_a_mistyped_secret_is_sent_to_nobody() -> None:
    with answering(TOKEN, TOKEN) as server:
        outcome = tried(url_of(server), secret=SECRET[:-1])
        assert (outcome.case, outcome.passed, server.got) == ("mistyped_secret", (), [])


def test_nobody_there_is_told() -> None:
    with answering(TOKEN, TOKEN) as server:
        gone = url_of(server)
    assert tried(gone).case == "name_unknown"
    assert tried("http://nobody.invalid").case == "name_unknown"


def test_a_certificate_that_nobody_vouches_for_is_told_and_sent_nothing(tmp_path: Path) -> None:
    with answering(TOKEN, TOKEN, write_certificate(tmp_path / "tls")) as server:
        assert tried(url_of(server, "https")).case == "tls_failed"
        assert server.got == []


def test_the_real_server_is_tested_as_any_program_would(database: Engine, ring: Keyring) -> None:
    app = served(ring)
    caller = a_caller(app)
    shop = builders.ACCOUNT
    with serving(app) as url:
        outcome = tried(url, caller.client_id, caller.secret, shop.seller_id)
        assert (outcome.case, outcome.passed) == ("works", STEPS)
        assert (outcome.seller_id, outcome.shop_name) == (shop.seller_id, shop.shop_name)
        assert tried(url, caller.client_id, caller.secret, "S-0").case == "not_linked"
        assert tried(url, caller.client_id, caller.secret, "é b").case == "seller_unknown"
        assert tried(url, caller.client_id, wrong(caller.secret)).case == "invalid_client"


def test_no_secret_and_no_token_is_printed() -> None:
    with answering(TOKEN, (200, {"seller": SELLER})) as server:
        outcome = tried(url_of(server))
    assert SECRET not in repr(outcome)
