"""What somebody does to rows by hand: every change that the broken rules are made of."""

from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, Executable, insert, select, update
from sqlalchemy.orm import InstrumentedAttribute

from onboarding.db import in_seconds, later, reading
from onboarding.ids import new_id
from onboarding.models import (
    Client,
    Link,
    Mail,
    Message,
    Onboarding,
    Run,
    RunItem,
    SealedSecret,
    Secret,
    Transition,
)
from tests import builders
from tests.good_rows import GOOD

HOUR: Final = timedelta(hours=1)


def of(table: Any, me: UUID, **values: Any) -> Executable:
    """Change all rows of an onboarding."""
    if table is Onboarding:
        return update(table).where(Onboarding.id == me).values(values)
    if table in {Secret, SealedSecret}:
        return update(table).where(table.client_id == clients_of(me)).values(values)
    return update(table).where(table.onboarding_id == me).values(values)


def step(me: UUID, event: str, /, **values: Any) -> Executable:
    return update(Transition).where(step_of(me, event)).values(values)


def a_secret(me: UUID, version: int, **more: Any) -> Executable:
    made = {"version": version, "hash": bytes(32), "pepper_id": "?", "ending": "abcdef"} | more
    return insert(Secret).values(client_id=clients_of(me), **made)


def a_sealed_one(me: UUID) -> Executable:
    made = {"version": 1, "key_id": "?", "ciphertext": b"sealed"}
    return insert(SealedSecret).values(client_id=clients_of(me), **made)


def a_link(me: UUID) -> Executable:
    account = builders.ACCOUNT
    return insert(Link).values(
        id=new_id(),
        onboarding_id=me,
        client_id=clients_of(me),
        seller_id=account.seller_id,
        shop_name=account.shop_name,
        issuer=account.issuer,
        subject=account.subject,
    )


def a_message(me: UUID, task: str, sequence: int, **about: Any) -> Executable:
    return insert(Message).values(
        id=new_id(),
        onboarding_id=me,
        sequence=sequence,
        task=task,
        about=about,
        due_at=in_seconds(2),
        max_attempts=8,
    )


def a_forgotten_run(me: UUID) -> list[Executable]:
    """It is under way, and neither a slice nor a time for one is promised."""
    run = GOOD["runs"] | {"id": new_id()}
    item = GOOD["run_items"] | {"run_id": run["id"], "onboarding_id": me}
    return [insert(Run).values(**run), insert(RunItem).values(**item)]


def a_mail(me: UUID, notice: str, mail_id: Any = None) -> Executable:
    return insert(Mail).values(
        id=mail_id if mail_id is not None else new_id(),
        onboarding_id=me,
        notice=notice,
        locale="en",
    )


def promise_of(me: UUID) -> Any:
    return select(Message.id).where(Message.onboarding_id == me).scalar_subquery()


def client_of(onboarding_id: UUID) -> str:
    """The client ID itself, for what is not a column of its own."""
    with reading() as session:
        return session.scalars(select(Client.id).where(Client.onboarding_id == onboarding_id)).one()


def revoked_client_of(onboarding_id: UUID) -> Any:
    return (
        select(Client.id)
        .where(Client.onboarding_id == onboarding_id, Client.revoked_at.is_not(None))
        .scalar_subquery()
    )


def clients_of(onboarding_id: UUID) -> Any:
    return select(Client.id).where(Client.onboarding_id == onboarding_id).scalar_subquery()


def step_of(onboarding_id: UUID, event: str) -> ColumnElement[bool]:
    return (Transition.onboarding_id == onboarding_id) & (Transition.event == event)


def shifted(column: InstrumentedAttribute[Any], by: timedelta = HOUR) -> Any:
    return later(column, by.total_seconds())
