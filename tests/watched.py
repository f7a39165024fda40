"""Operators who want to be told when a view holds more than so many."""

from urllib.parse import parse_qsl
from uuid import UUID

from onboarding import filters, operators, views, watching
from onboarding.db import transaction
from onboarding.operators import Who
from tests.builders import keyring

EMAIL = "mara@market.example"


def an_operator(name: str = "Mara", email: str | None = EMAIL, role: str = "operator") -> Who:
    """Somebody who has signed in, with an address or without."""
    with transaction() as session:
        found = operators.known(session, "tests", name, name, role, email)
        return Who(f"operator:{found.id}", name, role, found.id)


def a_watched_view(
    query: str, *, above: int, who: Who | None = None, name: str = "Ours", locale: str = "en"
) -> UUID:
    """A shared view of which an operator is told; its ID."""
    whose = who or an_operator()
    with transaction() as session:
        views.save(session, whose, name, filters.read(dict(parse_qsl(query))), shared=True)
    with transaction() as session:
        view_id = next(view.id for view in views.saved(session) if view.name == name)
        watching.ask(session, keyring(), whose, view_id, str(above), locale)
    return view_id
