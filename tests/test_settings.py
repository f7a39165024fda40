"""Settings that would do harm are refused at the start, with the variable to set."""

import pytest

from onboarding.settings import Settings, WrongSettings, settings
from tests.databases import forget_settings


def test_live_credentials_need_real_sellers(monkeypatch: pytest.MonkeyPatch) -> None:
    """At the sandbox anybody is any sample seller."""
    monkeypatch.setenv("ONBOARDING_LIVE", "true")
    forget_settings()
    with pytest.raises(
        WrongSettings, match=r"ONBOARDING_LIVE holds 'true'.*ONBOARDING_OIDC_ISSUER"
    ):
        settings()
    monkeypatch.setenv("ONBOARDING_OIDC_ISSUER", "https://login.marketplace.example")
    forget_settings()
    assert settings().live
    monkeypatch.undo()
    forget_settings()


@pytest.mark.parametrize(
    ("host", "url"),
    [("127.0.0.1", "http://127.0.0.1:8000"), ("::1", "http://[::1]:8000")],
)
def test_the_public_address_of_a_host_is_one(host: str, url: str) -> None:
    assert Settings(host=host).base_url == url
