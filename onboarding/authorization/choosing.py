"""The authorization server of the settings, while somebody has an errand there."""

from collections.abc import Iterator
from contextlib import contextmanager

from pydantic import SecretStr

from onboarding.authorization import AuthorizationServer
from onboarding.authorization.keycloak import Keycloak
from onboarding.authorization.registration import DynamicRegistration
from onboarding.authorization.speaking import Line, connected
from onboarding.settings import Settings


@contextmanager
def the_server(settings: Settings) -> Iterator[AuthorizationServer]:
    """That one, for one errand. Raises RuntimeError where it is the embedded one."""
    if not settings.tells_another:
        raise RuntimeError("the embedded authorization server is told nothing")
    url, secret = settings.authorization_server_url, SecretStr(settings.authorization_server_secret)
    with connected() as http:
        if settings.authorization_server == "keycloak":
            yield Keycloak(Line(http), url, settings.authorization_server_client_id, secret)
        else:
            yield DynamicRegistration(Line(http), url, secret)
