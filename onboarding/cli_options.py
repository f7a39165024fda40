"""What several commands share: options, arguments, and the open database."""

from collections.abc import Callable, Collection
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal
from urllib.parse import urlsplit

import typer

if TYPE_CHECKING:
    from onboarding.sealing import Keyring
    from onboarding.settings import Settings

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON lines, for programs.")]
Limit = Annotated[int, typer.Option(min=1, help="How many at most.")]
Reference = Annotated[
    str, typer.Argument(metavar="REF", help="A reference (ONB-…) or an ID.", show_default=False)
]
Reason = Annotated[str, typer.Option(help="Why. It is kept.", show_default=False)]
# The same where a script may have none.
ReasonIfAny = Annotated[str, typer.Option("--reason", help="Why. It is kept.", show_default=False)]
Unmask = Annotated[
    Literal[
        "contact_email",
        "connection_name",
        "seller_id",
        "shop_name",
        "organisation",
        "developer_email",
    ]
    | None,
    typer.Option(
        metavar="FIELD",
        help=(
            "One of contact_email, connection_name, seller_id, shop_name, organisation,"
            " developer_email: in full."
        ),
    ),
]


def _address(url: str | None) -> str | None:
    """Else the first request would say that something does not answer which nobody can reach."""
    with suppress(ValueError):
        parts = urlsplit(url or "")
        if url is None or (parts.scheme in {"http", "https"} and parts.hostname):
            return url
    raise typer.BadParameter(f"{url!r} is no address like https://onboarding.shop.example.")


Url = Annotated[
    str | None, typer.Option(help="Of a system elsewhere: ask its API.", callback=_address)
]
KeyFile = Annotated[
    str | None,
    typer.Option(metavar="FILE", help="Holds the API key; - is stdin. Else: ONBOARDING_API_KEY."),
]
Publishing = Callable[["Settings"], AbstractContextManager[Any]]


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the composition root hands over: its publisher, and the names of the tasks it knows."""

    publishing: Publishing | None = None
    task_names: Callable[[], Collection[str]] = tuple


def chosen_settings() -> "Settings":
    """The settings of this process. Raises WrongSettings."""
    # Its libraries take longer to load than some commands to run.
    from onboarding.settings import settings  # noqa: PLC0415

    return settings()


def open_database() -> None:
    """Open logs and the database that the settings name. Raises Failure."""
    # Its libraries take longer to load than some commands to run.
    from onboarding.commands import opening  # noqa: PLC0415
    from onboarding.settings import settings  # noqa: PLC0415

    opening.open_database(settings())


def opened_keyring() -> "Keyring":
    """The same, and the keyring, for what is written into the trail or signed. Raises Failure."""
    from onboarding.commands import opening  # noqa: PLC0415 - as above
    from onboarding.settings import settings  # noqa: PLC0415

    return opening.prepare(settings())


def with_publisher(context: typer.Context) -> AbstractContextManager[Any]:
    """Without a publisher, what is promised here waits for the next sweep of any worker."""
    from onboarding.settings import settings  # noqa: PLC0415 - as above

    publishing: Publishing | None = context.obj.publishing if context.obj else None
    return publishing(settings()) if publishing else nullcontext()
