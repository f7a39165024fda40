"""What the version that was released last does to the tables, in its own words: it knows no turns' owners and no fences.

Nobody has the schemas between that one and this: they are migrated through, and worked with by no one.
"""

import json
from typing import Any
from uuid import UUID

import psycopg

from onboarding import credentials, sealing
from onboarding.ids import new_id
from onboarding.sealing import Keyring

# The schema of that version.
SCHEMA = "0001"
Connection = psycopg.Connection[tuple[Any, ...]]
# Its tables.
SCHEMA = "0001"
ABOUT = json.dumps({"client_id": "cid_nobody"})


def connect(conninfo: str) -> Connection:
    """As that program does; whoever waits for a lock longer than an upgrade may wait has failed."""
    return psycopg.connect(conninfo, autocommit=True, options="-c lock_timeout=6s")


def start(connection: Connection, state: str = "started") -> UUID:
    """An onboarding in a state, its history, and a promise."""
    onboarding_id, message_id = new_id(), new_id()
    with connection.transaction():
        connection.execute(
            "INSERT INTO onboardings (id, reference, state, sequence, rule_set, connection_type,"
            " answers, locale, reminders) VALUES (%s, %s, %s, 1, 'old', 'plugin', '{}', 'en', 0)",
            (onboarding_id, f"R-{onboarding_id.hex[-14:]}", state),
        )
        connection.execute(
            "INSERT INTO transitions (onboarding_id, sequence, event, target, actor_kind, actor_id,"
            " at, rule_set, details) VALUES (%s, 1, 'start', %s, 'seller', 'old', now(), 'old', '{}')",
            (onboarding_id, state),
        )
        connection.execute(
            "INSERT INTO messages (id, onboarding_id, sequence, task, about, due_at, attempts,"
            " max_attempts) VALUES (%s, %s, 1, 'revoke_client', %s, now(), 0, 8)",
            (message_id, onboarding_id, ABOUT),
        )
    return onboarding_id


def take(connection: Connection) -> tuple[UUID, int] | None:
    """A turn of half a minute at some message."""
    found = connection.execute(
        "UPDATE messages SET attempts = attempts + 1, leased_until = now() + interval '30 seconds'"
        " WHERE id = (SELECT id FROM messages WHERE leased_until IS NULL LIMIT 1"
        " FOR UPDATE SKIP LOCKED) RETURNING id, attempts"
    ).fetchone()
    return (found[0], found[1]) if found else None


def finish(connection: Connection, taken: tuple[UUID, int]) -> int:
    """Its effect is done; returns whether the promise was still there."""
    done = "DELETE FROM messages WHERE id = %s AND attempts = %s"
    return connection.execute(done, taken).rowcount


def seal(connection: Connection, onboarding_id: UUID, ring: Keyring) -> str:
    """A client secret that waits to be shown; returns what it is."""
    client_id, secret = f"cid_{onboarding_id.hex[-22:]}", credentials.new_secret("mps", live=False)
    context = f"client-secret-v1:{client_id}:1"
    pepper_id, hashed = sealing.keyed_hash(ring, context, secret)
    key_id, ciphertext = sealing.seal(ring, secret.encode(), context.encode())
    with connection.transaction():
        connection.execute(
            "INSERT INTO clients (id, onboarding_id) VALUES (%s, %s)", (client_id, onboarding_id)
        )
        connection.execute(
            "INSERT INTO secrets (client_id, version, hash, pepper_id, ending)"
            " VALUES (%s, 1, %s, %s, %s)",
            (client_id, hashed, pepper_id, secret[-6:]),
        )
        connection.execute(
            "INSERT INTO sealed_secrets (client_id, version, key_id, ciphertext)"
            " VALUES (%s, 1, %s, %s)",
            (client_id, key_id, ciphertext),
        )
    return secret
