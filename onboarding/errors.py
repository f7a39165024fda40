"""Every way we say no: an HTTP status, a stable code, a sentence, and what to do next.

    Refusal
     ├── NotFound            404  unknown, foreign and malformed IDs look the same
     ├── EventUnknown        422  the chart has no such event
     ├── EventNotYours       403  this actor may not fire this event
     ├── EventNotAllowed     409  not from where the onboarding stands
     ├── MovedOn             409  somebody else was faster
     ├── FreshProofNeeded    403  sign in or enter a code again first
     ├── Invalid             422  a field is wrong
     ├── TooMany             429  too often, try later
     ├── Unauthorised        401  who is asking?
     ├── Forbidden           403  asking is not enough
     ├── SignInNeeded        401  … and no operator
     ├── NoRole              403  … whose groups have no role
     ├── RoleNeeded          403  an operator, but not with this role
     ├── NotEligible         409  an operator's action that has nothing to act on
     ├── SecondPersonNeeded  403  nobody agrees to their own proposal
     ├── PreviewUsed         409  carried out already
     └── Unavailable         503  something that we need does not answer; nothing was changed
          ├── DatabaseAway        … the database
          ├── DatabaseBusy        … soon enough
          ├── DatabaseReadOnly    … to those who write
          ├── DatabaseFull        … to those who write
          ├── OutcomeUnknown      … to whom it was written: perhaps it was changed
          └── StateUnknown        … the version of the program that knows where it stands

The class docstring is the English sentence; pages translate it, the API sends it as it is.
"""

from collections.abc import Mapping
from typing import ClassVar


class Refusal(Exception):
    """This cannot be done."""

    status: ClassVar[int] = 400
    code: ClassVar[str] = "refused"
    advice: ClassVar[str] = "Go back and try again."
    # Whether the same may be sent again without a look.
    retryable: ClassVar[bool] = False
    # What could be done in its place, where whoever passes it on knows.
    instead: Mapping[str, object] | None = None

    @property
    def sentence(self) -> str:
        """What happened, in English, with no detail of this case."""
        return (self.__doc__ or "").strip()

    def facts(self) -> dict[str, object]:
        """What this case adds to the answer, for problem details and logs."""
        return dict(self.instead or {})


class NotFound(Refusal):
    """There is nothing here, or it is not yours."""

    status = 404
    code = "not_found"
    advice = "Check the address, or open the link in your latest e-mail."


class EventUnknown(Refusal):
    """There is no such event."""

    status = 422
    code = "event_unknown"
    advice = "Use one of the allowed events."


class EventNotYours(Refusal):
    """You may not do this."""

    status = 403
    code = "event_not_yours"
    advice = "Ask someone who may."


class EventNotAllowed(Refusal):
    """This cannot be done where the onboarding stands now."""

    status = 409
    code = "event_not_allowed"
    advice = "Reload to see where the onboarding stands and what can be done."

    def __init__(
        self, event: str, state: str, allowed: tuple[str, ...], unmet: str | None = None
    ) -> None:
        super().__init__(f"{event} is not allowed in {state}; allowed: {', '.join(allowed) or '-'}")
        self.event, self.state, self.allowed, self.unmet = event, state, allowed, unmet

    def facts(self) -> dict[str, object]:
        unmet = {"unmet": self.unmet} if self.unmet else {}
        stands = {"state": self.state, "onboarding_state": self.state}
        return {"event": self.event, **stands, "allowed_events": [*self.allowed], **unmet}


class MovedOn(Refusal):
    """This onboarding has moved on since you looked."""

    status = 409
    code = "moved_on"
    advice = "Continue from where it stands now."

    def __init__(self, state: str, sequence: int) -> None:
        super().__init__(f"it is in {state} since transition {sequence}")
        self.state, self.sequence = state, sequence

    def facts(self) -> dict[str, object]:
        return {"state": self.state, "sequence": self.sequence}


class FreshProofNeeded(Refusal):
    """Prove again that it is you: the last sign-in or code is older than 10 minutes."""

    status = 403
    code = "fresh_proof_needed"
    advice = "Enter the code that we e-mail to you, or sign in again."


class Invalid(Refusal):
    """Something that you entered cannot be used."""

    status = 422
    code = "invalid"
    advice = "Correct what is named and send it again."

    def __init__(
        self,
        fields: Mapping[str, str],
        codes: Mapping[str, str] | None = None,
        pointers: Mapping[str, str] | None = None,
    ) -> None:
        """By field: what is wrong, its code, and where it stands in the body (RFC 6901)."""
        super().__init__("; ".join(f"{name}: {why}" for name, why in fields.items()))
        self.fields, self.codes, self.pointers = dict(fields), codes or {}, pointers or {}

    def facts(self) -> dict[str, object]:
        return {"errors": [self._error(name, why) for name, why in self.fields.items()]}

    def _error(self, name: str, why: str) -> dict[str, str]:
        error = {"field": name, "code": self.codes.get(name, self.code), "detail": why}
        return error | ({"pointer": self.pointers[name]} if name in self.pointers else {})


class TooMany(Refusal):
    """That was tried too often."""

    status = 429
    code = "too_many"
    advice = "Wait a while, then try again."
    retryable = True

    def __init__(self, retry_after: int) -> None:
        super().__init__(f"try again in {retry_after} seconds")
        self.retry_after = retry_after

    def facts(self) -> dict[str, object]:
        return {"retry_after": self.retry_after}


class Unauthorised(Refusal):
    """We do not know who is asking."""

    status = 401
    code = "unauthorised"
    advice = "Send an API key: Authorization: Bearer <key>."


class Forbidden(Refusal):
    """You are known, but you may not do this."""

    status = 403
    code = "forbidden"
    advice = "Use a key with the scope that this needs."

    def __init__(self, scope: str) -> None:
        super().__init__(f"this key lacks the scope {scope}")
        self.scope = scope

    def facts(self) -> dict[str, object]:
        return {"scope": self.scope}


class SignInNeeded(Refusal):
    """Operators sign in first."""

    status = 401
    code = "sign_in_needed"
    advice = "Sign in, or open the link that the program printed when it was started."


class NoRole(Refusal):
    """You are known, but none of your groups may use the console."""

    status = 403
    code = "no_role"
    advice = "Ask whoever runs your identity provider to put you into one that may."


class RoleNeeded(Refusal):
    """Your role may look at this, but not do it."""

    status = 403
    code = "role_needed"
    advice = "Ask somebody with the role that this needs."

    def __init__(self, role: str) -> None:
        super().__init__(f"this needs the role {role}")
        self.role = role

    def facts(self) -> dict[str, object]:
        return {"role": self.role}


class NotEligible(Refusal):
    """This has nothing to act on here."""

    status = 409
    code = "not_eligible"
    advice = "Reload to see how it stands now."

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why

    def facts(self) -> dict[str, object]:
        return {"why": self.why}


class SecondPersonNeeded(Refusal):
    """Somebody else has to agree to what you have proposed."""

    status = 403
    code = "second_person_needed"
    advice = "Ask somebody with a role that may."


class PreviewUsed(Refusal):
    """This was carried out already."""

    status = 409
    code = "preview_used"
    advice = "Look at what has come of it before you do it again."


class Unavailable(Refusal):
    """Something that we need does not answer; nothing was changed."""

    status = 503
    code = "unavailable"
    advice = "Try again in a moment."
    retryable = True

    retry_after: ClassVar[int] = 5  # Seconds until another try makes sense.


class DatabaseAway(Unavailable):
    """The database does not answer."""

    advice = (
        "Try again in a moment. If you have just sent something, look first whether it got through."
    )


class DatabaseBusy(Unavailable):
    """Too many want the same thing at once; nothing was changed."""

    code = "busy"


class DatabaseReadOnly(Unavailable):
    """The database is read-only at the moment: everything can be looked at, nothing can be changed."""

    code = "read_only"
    advice = "Nothing is lost. Try again in a few minutes."
    retry_after = 30


class DatabaseFull(Unavailable):
    """The database has no space left: everything can be looked at, nothing can be changed."""

    code = "no_space"
    advice = "Nothing is lost. Try again in a few minutes."
    retry_after = 30


class OutcomeUnknown(Unavailable):
    """The database was lost while it was writing: what you asked for may have happened or not."""

    code = "outcome_unknown"
    advice = "Look at what is there before you do it again."
    retryable = False


class StateUnknown(Unavailable):
    """This version of the program does not know where this stands; nothing was changed."""

    code = "state_unknown"
