"""The way of a test where another authorization server gives the tokens: it is asked, as any program would.

It is the one page besides signing in that waits for somebody else: what is tried must be stored
nowhere, so no task can do it. Whom a client may act for is ours to know, and is looked up as
`/v1/whoami` does.
"""

from pydantic import SecretStr
from starlette.requests import Request

from onboarding.judging import Answer
from onboarding.selftest import Unreached, Way
from onboarding.selftest_beside import Beside
from onboarding.web.quotas import network
from onboarding.web.refusals import QuotaExceeded
from onboarding.web.selftest_here import Here


def way_of(request: Request) -> Way:
    """How a page tests credentials: at whoever gives the tokens."""
    return There(request) if request.app.state.settings.tells_another else Here(request)


class There(Beside):
    """The same for whoever sent the request, who may guess at somebody else's door so often and no more."""

    def __init__(self, request: Request) -> None:
        super().__init__(request.app.state.settings.token_endpoint)
        self._request = request

    def token(self, client_id: str, secret: SecretStr) -> Answer:
        """As the token endpoint answers. Raises Unreached."""
        try:
            self._request.app.state.quotas.of_bad_secrets.take(
                self._request, network(self._request)
            )
        except QuotaExceeded:
            raise Unreached("too_many") from None
        return super().token(client_id, secret)
