"""The refusals that only HTTP knows: of methods, bodies, headers and what was sent before."""

from collections.abc import Sequence
from typing import ClassVar

from onboarding.errors import Invalid, NotFound, Refusal, TooMany, Unauthorised


class NothingThere(NotFound):
    """There is nothing here, or it is not yours."""

    advice = (
        "Check the address and the IDs in it: /docs describes every address, /v1/openapi.json does"
        " so for programs."
    )


class NothingPublished(NothingThere):
    """There is nothing here, or it is not yours."""

    advice = (
        "Check the address: /.well-known/oauth-authorization-server names those of the"
        " authorization server, /v1/openapi.json those of the API."
    )


class KeyInUrl(Refusal):
    """An API key stands in the URL, where logs and proxies keep it."""

    status = 400
    code = "key_in_url"
    advice = "Revoke that key, and send a new one as Authorization: Bearer <key>."


class NotSigned(Unauthorised):
    """We do not know who is asking."""

    advice = (
        "Sign id.timestamp.body with the key of the source that the body names, and send it within"
        " five minutes with webhook-id, webhook-timestamp and webhook-signature; no API key helps."
    )


class NotJson(Refusal):
    """The body is not JSON that every program reads the same way."""

    status = 400
    code = "not_json"
    advice = "Send UTF-8 JSON (RFC 8259) without repeated names, nested only as deep as documented."


class NeverReplayed(Refusal):
    """A secret is revealed once and never again, whatever the key of the request."""

    status = 400
    code = "never_replayed"
    advice = "Send the request without an Idempotency-Key; a lost secret is reissued."


class IdempotencyKeyMissing(Refusal):
    """What changes something needs a name of yours for the request, so that it happens once."""

    status = 400
    code = "idempotency_key_missing"
    advice = "Send a new random value as Idempotency-Key, such as a UUID; the same one if you send it again."


class IdempotencyKeyReused(Refusal):
    """This Idempotency-Key was sent before, with another body."""

    status = 422
    code = "idempotency_key_reused"
    advice = "Send a new one with a new request; the same one only with the same body."


class EventContradicted(Refusal):
    """An event of this source and ID was told before, and said something else."""

    status = 409
    code = "event_contradicted"
    advice = "Send what is new under an ID of its own; the same ID only with the same event."


class InFlight(Refusal):
    """The first request with this Idempotency-Key is still being answered."""

    status = 409
    code = "in_flight"
    retryable = True
    advice = "Send it again in a moment, with the same key: you get the answer of the first."

    # Seconds until then.
    retry_after: ClassVar[int] = 1


class IfMatchMissing(Refusal):
    """Say where you have seen the onboarding last, so that nothing is done to what has moved on."""

    status = 428
    code = "if_match_missing"
    advice = 'Send the ETag of your last look as If-Match, quotes included, as in "7"; * for any.'


class Stale(Refusal):
    """The onboarding has moved on since the look that If-Match names; nothing was changed."""

    status = 412
    code = "stale"
    advice = (
        "Look where it stands now, and decide again. Does your ETag begin with W/? Then something on the"
        " way has changed it, such as a proxy that compresses, and it matches nothing: send"
        ' "sequence" of your last look in quotes, as in "7".'
    )

    def __init__(self, etag: str, state: str, sequence: int, allowed: Sequence[str]) -> None:
        super().__init__(f"it is in {state} since transition {sequence}")
        self.etag, self.state, self.sequence, self.allowed = etag, state, sequence, allowed

    def facts(self) -> dict[str, object]:
        seen = {"state": self.state, "sequence": self.sequence}
        return seen | {"onboarding_state": self.state, "allowed_events": [*self.allowed]}


class MethodNotAllowed(Refusal):
    """This address does not take that method."""

    status = 405
    code = "method_not_allowed"
    advice = "Use one of the methods that the header Allow names."

    allow = ""


class Collided(Refusal):
    """Somebody else wrote the same thing at the same instant; nothing was changed."""

    status = 409
    code = "collided"
    retryable = True
    advice = "Send it again."


class BodyTooLarge(Refusal):
    """The body is larger than 64 KiB."""

    status = 413
    code = "body_too_large"
    advice = "Send less; nothing here needs so much."


class UrlTooLong(Refusal):
    """The URL is longer than 8 KiB."""

    status = 414
    code = "url_too_long"
    advice = "Send a shorter one."


class WrongMediaType(Refusal):
    """The body is not declared as JSON."""

    status = 415
    code = "wrong_media_type"
    advice = "Send it with Content-Type: application/json."


class QuotaExceeded(TooMany):
    """You have asked for more than you may in this time."""

    code = "quota_exceeded"
    advice = "Wait as long as Retry-After says, and ask less often; RateLimit tells what is left."

    def __init__(self, retry_after: int, policy: str) -> None:
        super().__init__(retry_after)
        self.policy = policy

    def facts(self) -> dict[str, object]:
        return super().facts() | {"violated-policies": [self.policy]}


class TooManySignIns(TooMany):
    """Too many sign-ins were begun from your network in the last minute."""

    advice = (
        "Nothing was changed. Wait a minute, then go back and sign in again. Others on your network"
        " may be signing in too; if it goes on, tell support."
    )

    def __init__(self) -> None:
        super().__init__(60)


class Crashed(Refusal):
    """Something went wrong on our side, and it has been logged."""

    status = 500
    code = "crashed"
    advice = "Tell support the instance and the time."

    # Leads to the log; nothing else leads to the cause.
    instance = ""


class NameTaken(Invalid):
    """Another aggregator has this name."""

    status = 409
    code = "name_taken"
    advice = "Change that one, or choose another name."


class TokensElsewhere(Refusal):
    """Access tokens are not issued here: the marketplace has an authorization server of its own."""

    status = 404
    code = "tokens_elsewhere"
    advice = (
        "Ask that one: the page of each connection, and the documentation, name its token endpoint."
    )
