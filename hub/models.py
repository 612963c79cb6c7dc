"""The tables of Carrel's database.

Constraints live here and in the migrations; a test holds the two equal. Names of people in
``sessions``, ``audit`` and ``setup_links`` are no foreign keys on purpose: what happened stays
on record when an account is deleted.
"""

from __future__ import annotations

from datetime import UTC, datetime
from enum import Enum

import sqlalchemy as sa

from hub.enums import Reason, Role, State

NAME = 64
"""Longest user name (spawner.names), in characters."""

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class UtcTime(sa.types.TypeDecorator[datetime]):
    """A moment, stored in UTC and given back aware on both databases.

    A naive time is refused: nobody can tell what it means.
    """

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time must be aware")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def _enum(members: type[Enum], name: str) -> sa.Enum:
    """Text with a CHECK: PostgreSQL's own enum type could not lose a member again."""
    return sa.Enum(
        members,
        name=name,
        native_enum=False,
        create_constraint=True,
        length=32,
        values_callable=lambda enum: [member.value for member in enum],
    )


accounts = sa.Table(
    "accounts",
    metadata,
    sa.Column("name", sa.String(NAME), primary_key=True),
    sa.Column("role", _enum(Role, "role"), nullable=False),
    sa.Column("password_hash", sa.String(255)),
    sa.Column("created_at", UtcTime, nullable=False),
    sa.Column("disabled_at", UtcTime),
    sa.Column("last_login_at", UtcTime),
)

setup_links = sa.Table(
    "setup_links",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("token_hash", sa.String(64), nullable=False, unique=True),
    sa.Column("role", _enum(Role, "role"), nullable=False),
    sa.Column("created_at", UtcTime, nullable=False),
    sa.Column("expires_at", UtcTime, nullable=False),
    sa.Column("used_at", UtcTime),
    sa.Column("used_by", sa.String(NAME)),
    sa.CheckConstraint("(used_at IS NULL) = (used_by IS NULL)", name="used_by_somebody"),
)

login_attempts = sa.Table(
    "login_attempts",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    # No name where what was typed can be nobody's: it may be a password in the wrong field.
    sa.Column("name", sa.String(NAME)),
    sa.Column("address", sa.String(45), nullable=False),
    sa.Column("at", UtcTime, nullable=False),
    sa.Index(None, "name", "at"),
    sa.Index(None, "address", "at"),
    sa.Index(None, "at"),
)

sessions = sa.Table(
    "sessions",
    metadata,
    sa.Column("id", sa.CHAR(12), primary_key=True),
    sa.Column("user", sa.String(NAME), nullable=False),
    sa.Column("profile", sa.String(32), nullable=False),
    sa.Column("state", _enum(State, "state"), nullable=False),
    sa.Column("container_id", sa.String(64)),
    sa.Column("url", sa.String(255)),
    sa.Column("requested_at", UtcTime, nullable=False),
    sa.Column("started_at", UtcTime),
    sa.Column("ready_at", UtcTime),
    sa.Column("ended_at", UtcTime),
    sa.Column("reason", _enum(Reason, "reason")),
    sa.Column("detail", sa.Text, nullable=False, server_default=""),
    sa.CheckConstraint("(state = 'ended') = (ended_at IS NOT NULL)", name="ended_has_a_time"),
    sa.CheckConstraint("(state = 'ended') = (reason IS NOT NULL)", name="ended_has_a_reason"),
    sa.Index(None, "user", "requested_at"),
    # The index, not code, is what stops a second session of one user.
    sa.Index(
        "uq_sessions_active_user",
        "user",
        unique=True,
        sqlite_where=sa.text("state <> 'ended'"),
        postgresql_where=sa.text("state <> 'ended'"),
    ),
)

audit = sa.Table(
    "audit",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("who", sa.String(NAME), nullable=False),
    # No CHECK: every feature adds actions, and old ones must stay readable.
    sa.Column("what", sa.String(64), nullable=False),
    sa.Column("whom", sa.String(NAME)),
    sa.Column("at", UtcTime, nullable=False),
    sa.Column("address", sa.String(45)),
    sa.Column("detail", sa.Text, nullable=False, server_default=""),
    sa.Index(None, "at"),
    sa.Index(None, "whom", "at"),
)
