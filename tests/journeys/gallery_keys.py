"""The pages of a key of one's own: the form, the key in a secret's place, and the secret encrypted to it."""

import json
from collections.abc import Iterator

from joserfc.jwk import ECKey

from onboarding import credentials, own_keys
from onboarding.db import transaction
from tests import builders
from tests.journeys.entering import enter
from tests.journeys.gallery_handover import prove_contact
from tests.journeys.gallery_secrets import ask_for_secret
from tests.journeys.pages import Person
from tests.web.signing_clients import a_key, bring, public

_FIELD = "Public key, as a JWK"


def with_own_keys(person: Person) -> Iterator[str]:
    """Signing with a key, having the secret encrypted to one, and a new key for what is in use."""
    yield from _signing(person)
    yield from _encrypting(person)
    yield from _in_use(person)


def _signing(person: Person) -> Iterator[str]:
    _to_form(person)
    yield "public-key"
    person.choose("Sign with it: no client secret at all")
    person.fill(_FIELD, json.dumps(ECKey.generate_key("P-256").as_dict(private=True)))
    person.press("Use this key")
    yield "public-key-error"
    person.fill(_FIELD, _public())
    person.press("Use this key")
    yield "public-key-registered"


def _encrypting(person: Person) -> Iterator[str]:
    _to_form(person)
    person.choose("Encrypt the client secret to it")
    person.fill(_FIELD, _public())
    person.press("Use this key")
    yield "client-secret-encrypted"


def _in_use(person: Person) -> Iterator[str]:
    here = builders.an_onboarding("secret_ready", connection_type="credentials_only")
    bring(here, a_key())
    with transaction() as session:
        credentials.acknowledge_by_use(session, here, 1)
    enter(person, here)
    yield "credentials-issued-with-a-key"
    ask_for_secret(here)
    builders.work(here)
    with transaction() as session:
        own_keys.take_new(session, here, public(a_key()))
    person.open(f"{person.home}/client-secret")
    yield "client-secret-new-key"


def _to_form(person: Person) -> None:
    here = enter(person, builders.an_onboarding("type_chosen"))
    prove_contact(person, here)
    person.press("Create my client ID")
    builders.work(here)
    person.open(person.home)
    person.follow("For developers: use a key of your own")


def _public() -> str:
    return json.dumps(ECKey.generate_key("P-256").as_dict(private=False))
