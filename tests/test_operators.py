"""Operators: what a role may do, how long a session lasts, and what the printed link is good for."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine

from onboarding import operators
from onboarding.db import reading, transaction
from onboarding.errors import RoleNeeded, SignInNeeded
from onboarding.models import OperatorSession
from onboarding.operators import MAY, PERMISSIONS, Who
from onboarding.sealing import Keyring
from onboarding.setting_values import ROLES
from tests.builders import make_older

AT = datetime(2026, 11, 27, 12, 0, tzinfo=UTC)


def test_every_role_has_its_permissions_and_every_permission_a_role() -> None:
    assert set(MAY) == set(ROLES)
    assert set().union(*MAY.values()) == set(PERMISSIONS)
    for role, permissions in MAY.items():
        who = Who("operator:x", "X", role)
        for permission in PERMISSIONS:
            assert who.may(permission) == (permission in permissions)
            if permission not in permissions:
                with pytest.raises(RoleNeeded) as refused:
                    who.require(permission)
                assert permission in MAY[refused.value.role]


def test_the_role_that_is_asked_for_is_the_least() -> None:
    assert [operators.least_role(p) for p in PERMISSIONS] == [
        "viewer",
        "operator",
        "lead",
        "auditor",
        "admin",
    ]


def test_a_session_is_of_one_operator_and_ends_with_the_day(database: Engine) -> None:
    """T14."""
    with transaction() as session:
        token = operators.sign_in(session, operators.known(session, "iss", "sub", "Mara", "lead"))
    with reading() as session:
        found = operators.who(session, token)
    assert (found.name, found.role) == ("Mara", "lead")
    make_older(OperatorSession, "created_at", operators.SESSION_LASTS)
    with reading() as session, pytest.raises(SignInNeeded):
        operators.who(session, token)


def test_signing_in_again_brings_the_role_of_today(database: Engine) -> None:
    """T14."""
    with transaction() as session:
        first = operators.known(session, "iss", "sub", "Mara", "lead").id
        token = operators.sign_in(session, operators.known(session, "iss", "sub", "Mara", "lead"))
    with transaction() as session:
        assert operators.known(session, "iss", "sub", "Mara M.", "viewer").id == first
    with reading() as session:
        found = operators.who(session, token)
    assert (found.id, found.name, found.role) == (f"operator:{first}", "Mara M.", "viewer")


@pytest.mark.parametrize("token", [None, "", "x", "\0"])
def test_no_cookie_is_nobody(database: Engine, token: str | None) -> None:
    with reading() as session, pytest.raises(SignInNeeded):
        operators.who(session, token)


def test_signing_out_ends_the_session(database: Engine) -> None:
    with transaction() as session:
        token = operators.sign_in(session, operators.known(session, "iss", "sub", "Mara", "lead"))
    with transaction() as session:
        operators.sign_out(session, token)
    with reading() as session, pytest.raises(SignInNeeded):
        operators.who(session, token)


def test_the_printed_link_gives_its_role_for_its_time(ring: Keyring) -> None:
    token = operators.link_token(ring, "lead", AT)
    assert operators.role_of_link(ring, token, AT) == "lead"
    with pytest.raises(SignInNeeded):
        operators.role_of_link(ring, token, AT + timedelta(seconds=1))


@pytest.mark.parametrize(
    "change",
    [
        lambda t: t.replace("lead", "admin"),
        lambda t: t.replace("lead", "root"),
        lambda t: t.replace(f"{int(AT.timestamp())}", f"{int(AT.timestamp()) + 9}"),
        lambda t: t[:-1],
        lambda t: t.replace(".", ""),
        lambda _: "lead.99999999999999999999.0",
        lambda _: "lead.é.0",
        lambda _: "",
    ],
)
def test_a_link_that_was_changed_gives_nothing(ring: Keyring, change: object) -> None:
    with pytest.raises(SignInNeeded):
        operators.role_of_link(ring, change(operators.link_token(ring, "lead", AT)), AT)  # type: ignore[operator]
