"""A POST is carried out once, however often it is sent (draft-ietf-httpapi-idempotency-key-header-07).

Whoever sends it gives it a name of theirs, the Idempotency-Key. The first answer is kept in the
transaction that carries it out, and is what every later one gets. A refusal has written nothing, so
the next request is tried anew.
"""

import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Final

from fastapi import Depends, Header, Request, Response
from sqlalchemy.orm import Session

from onboarding import kept_answers
from onboarding.errors import Invalid
from onboarding.kept_answers import Answer
from onboarding.models import ApiKey
from onboarding.web.api_route import no_body
from onboarding.web.refusals import IdempotencyKeyReused, InFlight
from onboarding.words import N_, Said

# A string of RFC 9651; clients that know of no such thing send the bare value.
_QUOTED: Final = re.compile(r'"((?:[\x20-\x21\x23-\x5b\x5d-\x7e]|\\["\\])+)"')
_BARE: Final = re.compile(r"[\x21\x23-\x7e][\x21-\x7e]*")
_LONGEST: Final = 255

IdempotencyKey = Annotated[
    str,
    Header(
        alias="Idempotency-Key",
        description="A name for this request, as random as a UUID, quoted or bare.",
    ),
]


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request asks for, its name, and the fingerprint of its body."""

    method: str
    path: str
    name: str
    fingerprint: bytes

    def by(self, key: ApiKey) -> bytes:
        """The request as it is kept: no other system, method or path shares its name."""
        said = [str(key.system_id), self.method, self.path, self.name]
        return hashlib.sha256(json.dumps(said).encode()).digest()


# Async, because only so the body can be asked for; it was read whole before and is there.
async def asked(request: Request, idempotency_key: IdempotencyKey) -> Asked:
    """Raises Invalid for a name that is none."""
    body = await request.body()
    return Asked(
        request.method,
        request.scope["path"],
        _name(request.headers.getlist("idempotency-key")),
        hashlib.sha256(_canonical(body)).digest(),
    )


async def asked_alone(request: Request, idempotency_key: IdempotencyKey) -> Asked:
    """The same where no body is taken. Raises Invalid, and what `no_body` does."""
    await no_body(request)
    return await asked(request, idempotency_key)


Once = Annotated[Asked, Depends(asked)]
OnceWithoutBody = Annotated[Asked, Depends(asked_alone)]


def once(
    session: Session,
    key: ApiKey,
    asked: Asked,
    do: Callable[[], Answer],
    told: Callable[[str], str] = str,
) -> Response:
    """Carry a request out, or repeat what was answered when it was.

    `told` makes the body that is sent of the one that is kept, where that must hold no capability.
    Raises InFlight, IdempotencyKeyReused, and whatever `do` does.
    """
    request = asked.by(key)
    if not kept_answers.hold(session, request):
        raise InFlight
    earlier = kept_answers.find(session, request)
    if earlier is None:
        answer = do()
        kept_answers.keep(session, request, asked.fingerprint, answer)
        return _response(answer, told)
    if earlier.fingerprint != asked.fingerprint:
        raise IdempotencyKeyReused
    again = Answer(earlier.status, earlier.body, earlier.headers | {"Idempotent-Replayed": "true"})
    return _response(again, told)


def _response(answer: Answer, told: Callable[[str], str]) -> Response:
    return Response(told(answer.body), answer.status, {**answer.headers}, "application/json")


def _name(sent: list[str]) -> str:
    """Quoted and bare are the same name."""
    text = sent[0].strip()
    quoted = _QUOTED.fullmatch(text)
    if len(sent) > 1 or len(text) > _LONGEST or not (quoted or _BARE.fullmatch(text)):
        raise Invalid(
            {
                "idempotency-key": Said(
                    N_("One value of at most %(max_length)s visible characters, quoted or bare."),
                    max_length=_LONGEST,
                )
            }
        )
    return re.sub(r"\\(.)", r"\1", quoted[1]) if quoted else text


def _canonical(body: bytes) -> bytes:
    """The same JSON is the same, however it is written. Where none is read, anything may be sent."""
    try:
        return json.dumps(json.loads(body), sort_keys=True, separators=(",", ":")).encode()
    except (ValueError, RecursionError):
        return body
