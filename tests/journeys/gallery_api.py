"""The pages for whoever writes a program: what the API is, and what its problems mean."""

from collections.abc import Iterator

from tests.journeys.pages import Person

Pages = Iterator[str]


def problems(person: Person) -> Pages:
    """What answers of the API lead to."""
    for page in ("problems", "problems/in_flight"):
        person.open(f"/{person.locale}/{page}")
        yield page.partition("/")[2] or page


def api(person: Person) -> Pages:
    """The page about the API."""
    person.open("/docs")
    yield "api"
