"""Client IDs, versions of their secrets, and the seller accounts that they may act for."""

from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    String,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from onboarding.db import now
from onboarding.ids import new_id
from onboarding.models.base import Base

# Of the versions of a secret that have not ended: the one that the client goes by, one that is to
# replace it, and one that it has replaced.
_CURRENT: Final = (
    "ended_at IS NULL AND ends_at IS NULL AND (overlap_days IS NULL OR acknowledged_at IS NOT NULL)"
)
_COMING: Final = "ended_at IS NULL AND overlap_days IS NOT NULL AND acknowledged_at IS NULL"
_EXPIRING: Final = "ended_at IS NULL AND expires_at IS NOT NULL"
_ENDING: Final = "ended_at IS NULL AND ends_at IS NOT NULL"
# What a client ID ends in, as somebody may read it out: capitals only, and a digit for what looks like
# one. A text, because an index is asked only where its own expression stands, to the letter.
ENDING: Final = (
    "replace(replace(replace(upper(substr(id, length(id) - 3)), 'O', '0'), 'I', '1'), 'L', '1')"
)


class Client(Base):
    """A client ID: the login of the REST API. At most one of an onboarding is alive."""

    __tablename__ = "clients"
    __table_args__ = (
        Index(
            "uq_clients_alive",
            "onboarding_id",
            unique=True,
            postgresql_where=text("revoked_at IS NULL"),
            sqlite_where=text("revoked_at IS NULL"),
        ),
        Index("ix_clients_ending", text(ENDING)),
        CheckConstraint(
            "withdrawn_at IS NULL OR revoked_at IS NOT NULL", name="withdrawn_after_revoked"
        ),
    )

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    onboarding_id: Mapped[UUID] = mapped_column(ForeignKey("onboardings.id"))
    created_at: Mapped[datetime] = mapped_column(server_default=now())
    revoked_at: Mapped[datetime | None]
    # When the authorization server was told; `revoked_at` alone already refuses it here.
    withdrawn_at: Mapped[datetime | None]
    # When the marketplace's own systems ended it: it works no more, whatever its onboarding says.
    disabled_at: Mapped[datetime | None]
    # When a new secret was asked for that is not made yet, while the one before goes on.
    secret_asked_at: Mapped[datetime | None]
    # The first call seen: when an access token was first issued to it.
    first_used_at: Mapped[datetime | None]
    # When its owner was asked why there was none.
    silence_asked_at: Mapped[datetime | None]


class Secret(Base):
    """One version of a client secret: a keyed hash and its life. Never the secret.

    Or a public key in its place (`jwk`): then `hash` is its thumbprint (RFC 7638), and `ending` the end of that.
    """

    __tablename__ = "secrets"
    __table_args__ = (
        Index(
            "uq_secrets_alive",
            "client_id",
            unique=True,
            postgresql_where=text(_CURRENT),
            sqlite_where=text(_CURRENT),
        ),
        Index(
            "uq_secrets_coming",
            "client_id",
            unique=True,
            postgresql_where=text(_COMING),
            sqlite_where=text(_COMING),
        ),
        Index(
            "uq_secrets_ending",
            "client_id",
            unique=True,
            postgresql_where=text(_ENDING),
            sqlite_where=text(_ENDING),
        ),
        # One that was found somewhere names no client: its checksum leads to the few that it may be of.
        Index(
            "ix_secrets_ending",
            "ending",
            postgresql_where=text("ended_at IS NULL"),
            sqlite_where=text("ended_at IS NULL"),
        ),
        CheckConstraint("version >= 1", name="version"),
        CheckConstraint("overlap_days BETWEEN 0 AND 7", name="overlap_days"),
        CheckConstraint(
            "ends_at IS NULL OR acknowledged_at IS NOT NULL", name="saved_before_replaced"
        ),
        CheckConstraint(
            "acknowledged_at IS NULL OR revealed_at IS NOT NULL",
            name="revealed_before_acknowledged",
        ),
        CheckConstraint("(ended_at IS NULL) = (ended_because IS NULL)", name="ended_has_a_reason"),
        CheckConstraint("expiry_told IS NULL OR expires_at IS NOT NULL", name="told_of_an_expiry"),
        Index(
            "ix_secrets_expires_at",
            "expires_at",
            postgresql_where=text(_EXPIRING),
            sqlite_where=text(_EXPIRING),
        ),
    )

    client_id: Mapped[str] = mapped_column(ForeignKey("clients.id"), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    hash: Mapped[bytes] = mapped_column(LargeBinary(32))
    pepper_id: Mapped[str] = mapped_column(String(16))
    # The last six characters. They are the checksum of the rest: enough to tell two secrets apart
    # and to prove that one has arrived; 224 of its 256 bits stay unknown.
    ending: Mapped[str] = mapped_column(String(6))
    created_at: Mapped[datetime] = mapped_column(server_default=now())
    revealed_at: Mapped[datetime | None]
    acknowledged_at: Mapped[datetime | None]
    # Noted once a minute at most.
    last_used_at: Mapped[datetime | None]
    # Of one that was made to replace another: for how many days both work, once it has arrived.
    overlap_days: Mapped[int | None]
    # When somebody has said that they found it where it should not be: it opens nothing any more,
    # though it goes on being the version that its client goes by until there is another.
    disclosed_at: Mapped[datetime | None]
    # When one that was replaced stops working. The clock then writes `ended_at`, which is no earlier.
    ends_at: Mapped[datetime | None]
    # When it is too old, where the marketplace sets an age: it works no more from then on.
    expires_at: Mapped[datetime | None]
    # How many days before that its owner was told last.
    expiry_told: Mapped[int | None]
    ended_at: Mapped[datetime | None]
    ended_because: Mapped[str | None] = mapped_column(String(16))
    # The public key, where its owner has brought one instead of having the secret shown. Its members
    # as JSON, the public ones alone; `revealed_at` is then when it was brought.
    jwk: Mapped[str | None] = mapped_column(String(1200))


class SealedSecret(Base):
    """A secret on its way to its owner, readable by the web process alone. Taken out once."""

    __tablename__ = "sealed_secrets"
    __table_args__ = (
        ForeignKeyConstraint(["client_id", "version"], ["secrets.client_id", "secrets.version"]),
    )

    client_id: Mapped[str] = mapped_column(String(40), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    key_id: Mapped[str] = mapped_column(String(16))
    # Which history of this database it was sealed in. A promoted standby or a restored backup may
    # have forgotten that it was shown: there, it is shown to nobody. Nor is one that was sealed by
    # a worker too old to know this column.
    fence: Mapped[str] = mapped_column(String(64), server_default="")
    ciphertext: Mapped[bytes] = mapped_column(LargeBinary(256))


class Announced(Base):
    """A client that another authorization server may know: it was told, or is being told.

    Written before the server is asked, so that what it makes is looked for whatever happens. Where
    and by which token the client is managed there, is what dynamic registration answers (RFC 7592).
    """

    __tablename__ = "announced_clients"
    __table_args__ = (
        CheckConstraint(
            "(uri IS NULL) = (token IS NULL) AND (uri IS NULL) = (key_id IS NULL)",
            name="managed_by_a_token",
        ),
    )

    client_id: Mapped[str] = mapped_column(ForeignKey("clients.id"), primary_key=True)
    created_at: Mapped[datetime] = mapped_column(server_default=now())
    uri: Mapped[str | None] = mapped_column(String(2000))
    # The registration access token, sealed.
    key_id: Mapped[str | None] = mapped_column(String(16))
    token: Mapped[bytes | None] = mapped_column(LargeBinary(8192))


class RevokedToken(Base):
    """An access token that its client has revoked before its time; kept until that is over."""

    __tablename__ = "revoked_tokens"

    # The token's `jti`.
    id: Mapped[UUID] = mapped_column(primary_key=True)
    expires_at: Mapped[datetime] = mapped_column(index=True)


class UsedAssertion(Base):
    """A client assertion that was accepted: it counts once. Kept until its time is over."""

    __tablename__ = "used_assertions"

    # A hash of whose it is and of its `jti`.
    id: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    expires_at: Mapped[datetime] = mapped_column(index=True)


class Link(Base):
    """A seller account that a client, or an aggregator, may act for."""

    __tablename__ = "links"
    __table_args__ = (
        Index(
            "uq_links_alive",
            "onboarding_id",
            unique=True,
            postgresql_where=text("ended_at IS NULL"),
            sqlite_where=text("ended_at IS NULL"),
        ),
        CheckConstraint(
            "(client_id IS NULL) <> (aggregator_id IS NULL)", name="client_or_aggregator"
        ),
        Index("ix_links_seller_account", "issuer", "subject"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    onboarding_id: Mapped[UUID] = mapped_column(ForeignKey("onboardings.id"))
    client_id: Mapped[str | None] = mapped_column(ForeignKey("clients.id"))
    aggregator_id: Mapped[str | None] = mapped_column(ForeignKey("aggregators.id"))
    seller_id: Mapped[str] = mapped_column(String(40), index=True)
    shop_name: Mapped[str] = mapped_column(String(120))
    # The seller account is who signed in there, never an e-mail address.
    issuer: Mapped[str] = mapped_column(String(255))
    subject: Mapped[str] = mapped_column(String(255))
    created_at: Mapped[datetime] = mapped_column(server_default=now())
    confirmed_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
