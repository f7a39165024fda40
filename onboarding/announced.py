"""Which of our clients another authorization server may know, and how they are managed there.

It is noted before the server is asked. So whoever comes after a crash knows where something may have
been made, and either finishes it or has it removed.
"""

from uuid import UUID

from pydantic import SecretStr
from sqlalchemy import Select, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from onboarding import db, sealing
from onboarding.authorization import Registered, Registration
from onboarding.models import Announced, Client, Onboarding
from onboarding.sealing import Keyring


def begin(session: Session, client_id: str) -> bool:
    """Note that the server is about to be told of a client. Whether it never was before."""
    try:
        with session.begin_nested():
            session.execute(insert(Announced).values(client_id=client_id))
    except IntegrityError:
        return False
    return True


def keep(session: Session, client_id: str, told: Registration | None, ring: Keyring) -> None:
    """Keep how a client is managed there, where the server has said so; the token only sealed."""
    if told is None:
        return
    token = told.token.get_secret_value().encode()
    key_id, ciphertext = sealing.seal(ring, token, _context(client_id))
    kept = {"uri": told.uri, "key_id": key_id, "token": ciphertext}
    session.execute(update(Announced).where(Announced.client_id == client_id).values(**kept))


def withdraw(session: Session, client_id: str) -> None:
    """Note that the server knows of a revocation; the token by which it was told is good for nothing."""
    session.execute(
        update(Client)
        .where(Client.id == client_id, Client.withdrawn_at.is_(None))
        .values(withdrawn_at=db.now())
    )
    kept = dict.fromkeys(("uri", "key_id", "token"))
    session.execute(update(Announced).where(Announced.client_id == client_id).values(**kept))


def find(session: Session, client_id: str, ring: Keyring) -> Registered | None:
    """A client as the other server may know it; None: nobody has told it."""
    row = session.execute(
        select(Announced, Onboarding.reference)
        .join(Client, Client.id == Announced.client_id)
        .join(Onboarding, Onboarding.id == Client.onboarding_id)
        .where(Announced.client_id == client_id)
    ).one_or_none()
    return row and Registered(client_id, row.reference, _registration(row.Announced, ring))


def left_behind(session: Session, onboarding_id: UUID, ring: Keyring) -> list[Registered]:
    """Clients of an onboarding that are revoked, and that the other server was told of once."""
    revoked = session.scalars(
        select(Client.id)
        .join(Announced, Announced.client_id == Client.id)
        .where(Client.onboarding_id == onboarding_id, Client.revoked_at.is_not(None))
        .order_by(Client.id)
    )
    return [known for each in revoked.all() if (known := find(session, each, ring))]


def any_to_reseal(session: Session, ring: Keyring) -> bool:
    """Whether a token is sealed under a key that is not the newest. It takes no lock."""
    return session.execute(_under_another(ring).limit(1)).first() is not None


def reseal(session: Session, ring: Keyring, limit: int) -> int:
    """Seal tokens under the newest key, so that nothing needs the one before; returns how many.

    A client is managed for years, and a seal key lasts for days. One that somebody has in hand is left
    for the next time.
    """
    some = _under_another(ring).limit(limit).with_for_update(skip_locked=True)
    found = session.scalars(some).all()
    for row in found:
        keep(session, row.client_id, _registration(row, ring), ring)
    return len(found)


def _under_another(ring: Keyring) -> Select[Announced]:
    others = ring.keys["seal"].keys() - {sealing.newest_pair(ring)}
    return select(Announced).where(Announced.key_id.in_(sorted(others)))


def _registration(row: Announced, ring: Keyring) -> Registration | None:
    """None as well where the key is destroyed, as after an older backup: a token that is lost."""
    if row.uri is None or row.key_id is None or row.token is None:
        return None
    if sealing.is_destroyed(ring, row.key_id):
        return None
    token = sealing.unseal(ring, row.key_id, row.token, _context(row.client_id))
    return Registration(row.uri, SecretStr(token.decode()))


def _context(client_id: str) -> bytes:
    """Binds a sealed token to its row: it is worth nothing in another."""
    return f"registration-token-v1:{client_id}".encode()
