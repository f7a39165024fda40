"""Settings that would do harm are refused at the start, with the variable to set."""

import ssl

import pytest
import redis
from kombu.utils.url import parse_url
from pydantic import ValidationError

from onboarding import broker
from onboarding.settings import Settings, WrongSettings, settings
from tests.databases import forget_settings
from workers.wakes import bell_of


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


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("CERT_REQUIRED", ssl.CERT_REQUIRED),
        ("CERT_OPTIONAL", ssl.CERT_OPTIONAL),
        ("CERT_NONE", ssl.CERT_NONE),
        ("required", ssl.CERT_REQUIRED),
        ("none", ssl.CERT_NONE),
    ],
)
def test_celery_and_redis_take_a_broker_whose_certificate_is_spelled_as_either_does(
    said: str, meant: ssl.VerifyMode
) -> None:
    given = f"rediss://127.0.0.1:1/0?db=1&ssl_cert_reqs={said}&health_check_interval=9"
    url = Settings(broker_url=given).broker_url
    assert parse_url(url)["ssl"]["ssl_cert_reqs"] == meant
    # Nobody listens there; a spelling that it does not know is another error.
    with pytest.raises(redis.ConnectionError):
        broker.ping(url)
    bell = bell_of(url)
    assert bell
    bell.close()


def test_what_neither_knows_is_refused_with_what_they_do() -> None:
    with pytest.raises(ValidationError, match="one of required, optional, none"):
        Settings(broker_url="rediss://127.0.0.1:1/0?ssl_cert_reqs=REQUIRED")
