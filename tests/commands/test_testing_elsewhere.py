"""`test-credentials` where another authorization server gives the tokens: it is asked, and our database for whom."""

import io
import sys

import pytest

from onboarding.commands import exits
from onboarding.sealing import Keyring
from tests import another_seller, builders
from tests.commands.conftest import Run
from tests.servers.authorization import Provider
from tests.told import tell
from tests.web.presenting import wrong


@pytest.mark.parametrize("seller", ["own", "further"])
def test_the_other_server_is_asked_for_the_token(
    run_on_both: Run,
    ring: Keyring,
    provider: Provider,
    monkeypatch: pytest.MonkeyPatch,
    seller: str,
) -> None:
    tell(monkeypatch, provider.settings)
    walk = builders.a_walk("confirmed")
    another_seller.linked(walk.id)
    assert walk.revealed
    secret = walk.revealed.secret.get_secret_value()
    account = builders.ACCOUNT if seller == "own" else another_seller.OTHER
    asked = ("test-credentials", "--client-id", walk.revealed.client_id, "--json")
    for typed, seller_id, verdict in (
        (secret, account.seller_id, "works"),
        (wrong(secret), account.seller_id, "invalid_client"),
        (secret, "S-0000", "not_linked"),
    ):
        monkeypatch.setattr(sys, "stdin", io.StringIO(typed))
        told = run_on_both(*asked, "--seller-id", seller_id)
        assert [each["verdict"] for each in told.lines] == [verdict], told.err
        assert (told.code == exits.DONE) == (verdict == "works")
        assert typed not in told.out
