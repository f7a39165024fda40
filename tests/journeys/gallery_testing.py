"""The pages that say why credentials do not work."""

from collections.abc import Iterator

from tests.journeys.pages import Person


def testing(person: Person) -> Iterator[str]:
    """Testing credentials: nothing typed, a secret that is cut off, and an error explained."""
    person.open(f"/{person.locale}/test-credentials")
    yield "test-credentials"
    person.press("Test the credentials")
    yield "test-credentials-error"
    person.fill("Client ID", "cid_of_nobody")
    person.fill("Client secret", "mps_test_cut_off")
    person.press("Test the credentials")
    yield "test-credentials-verdict"
    person.fill("Error", '{"error": "invalid_client"}')
    person.press("Explain")
    yield "explanation"
