"""The tables of Carrel's database.

Constraints live here and in the migrations; a test holds the two equal. Names of people in
``sessions``, ``audit`` and ``links`` are no foreign keys on purpose: what happened stays on record
when an account is deleted.
"""

from __future__ import annotations

from datetime import UTC, datetime
from enum import Enum

import sqlalchemy as sa

from hub.enums import (
    CourseRole,
    DriveScope,
    DriveState,
    GrantState,
    Interface,
    Joining,
    LayerState,
    LinkKind,
    OrderState,
    Reason,
    Role,
    Source,
    State,
)

NAME = 64
"""Longest user name (spawner.names), in characters."""
FULL_NAME = 100
"""Longest name of a person, in characters."""
SLUG = 40
"""Longest name of a course in links (hub.course_names), in characters."""

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
    # What people are called, for those who know them; may be empty.
    sa.Column("full_name", sa.String(FULL_NAME), nullable=False, server_default=""),
    # Whose invitation brought them: a teacher's students are those that the teacher invited.
    sa.Column("invited_by", sa.String(NAME)),
    # At a single sign-on provider: its address and what it calls the person (`sub`).
    sa.Column("identity", sa.String(512), unique=True),
    # What their session opens in; none: never chosen.
    sa.Column("interface", _enum(Interface, "interface")),
    sa.Index(None, "invited_by"),
)

departures = sa.Table(
    "departures",
    metadata,
    # Whose account is deleted while the home is still kept. The name stays taken: a namesake
    # would find the files.
    sa.Column("name", sa.String(NAME), primary_key=True),
    sa.Column("role", _enum(Role, "role"), nullable=False),
    sa.Column("full_name", sa.String(FULL_NAME), nullable=False, server_default=""),
    sa.Column("invited_by", sa.String(NAME)),
    sa.Column("identity", sa.String(512)),
    sa.Column("created_at", UtcTime, nullable=False),
    sa.Column("deleted_at", UtcTime, nullable=False),
    sa.Column("deleted_by", sa.String(NAME), nullable=False),
    sa.Column("remove_at", UtcTime, nullable=False),
    sa.Index(None, "remove_at"),
)

homes = sa.Table(
    "homes",
    metadata,
    # How much each home holds, as node measured it last.
    sa.Column("name", sa.String(NAME), primary_key=True),
    sa.Column("size_bytes", sa.BigInteger, nullable=False),
    sa.Column("measured_at", UtcTime, nullable=False),
)

links = sa.Table(
    "links",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("token_hash", sa.String(64), nullable=False, unique=True),
    sa.Column("kind", _enum(LinkKind, "kind"), nullable=False),
    sa.Column("role", _enum(Role, "role")),
    sa.Column("name", sa.String(NAME)),
    sa.Column("full_name", sa.String(FULL_NAME), nullable=False, server_default=""),
    sa.Column("created_by", sa.String(NAME), nullable=False),
    sa.Column("created_at", UtcTime, nullable=False),
    sa.Column("expires_at", UtcTime, nullable=False),
    sa.Column("most_uses", sa.Integer, nullable=False),
    sa.Column("uses", sa.Integer, nullable=False),
    sa.Column("withdrawn_at", UtcTime),
    # Whoever comes in by this invitation is a student of that course at once.
    sa.Column("course", sa.String(SLUG)),
    sa.CheckConstraint("(kind = 'invitation') = (role IS NOT NULL)", name="invitation_has_a_role"),
    sa.CheckConstraint("course IS NULL OR role = 'student'", name="a_course_is_for_students"),
    sa.CheckConstraint("kind <> 'reset' OR name IS NOT NULL", name="reset_has_a_name"),
    # The row, not code, keeps a link from being used once too often.
    sa.CheckConstraint("uses >= 0 AND uses <= most_uses", name="used_within_its_limit"),
    sa.Index(None, "kind", "name"),
    sa.Index(None, "created_by", "id"),
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
    # While its container is paused; of one that has ended, nothing.
    sa.Column("paused_at", UtcTime),
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

engine = sa.Table(
    "engine",
    metadata,
    # One row: how housekeeping found the engine last.
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("asked_at", UtcTime, nullable=False),
    sa.Column("silent_since", UtcTime),
    sa.CheckConstraint("id = 1", name="is_one"),
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

courses = sa.Table(
    "courses",
    metadata,
    # Kept for ever: an archived course's links must never lead into another one.
    sa.Column("slug", sa.String(SLUG), primary_key=True),
    sa.Column("title", sa.String(FULL_NAME), nullable=False),
    sa.Column("description", sa.Text, nullable=False, server_default=""),
    sa.Column("created_by", sa.String(NAME), nullable=False),
    sa.Column("created_at", UtcTime, nullable=False),
    sa.Column("archived_at", UtcTime),
    sa.Column("joining", _enum(Joining, "joining"), nullable=False),
    # In clear, since teachers read it out to every class; it opens nothing but this course.
    sa.Column("code", sa.String(16), nullable=False),
    # None: the site's.
    sa.Column("default_profile", sa.String(32)),
)

members = sa.Table(
    "members",
    metadata,
    # No foreign key on the person: a deleted account that comes back is a member as before.
    sa.Column("course", sa.String(SLUG), sa.ForeignKey("courses.slug"), primary_key=True),
    sa.Column("user", sa.String(NAME), primary_key=True),
    sa.Column("role", _enum(CourseRole, "role"), nullable=False),
    sa.Column("since", UtcTime, nullable=False),
    sa.Column("by", sa.String(NAME), nullable=False),
    sa.Index(None, "user", "role"),
)

versions = sa.Table(
    "versions",
    metadata,
    # What was published, one after another from 1 in each course.
    sa.Column("course", sa.String(SLUG), sa.ForeignKey("courses.slug"), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("commit", sa.String(64), nullable=False),
    sa.Column("message", sa.Text, nullable=False, server_default=""),
    sa.Column("by", sa.String(NAME), nullable=False),
    sa.Column("at", UtcTime, nullable=False),
    sa.Column("source", _enum(Source, "source"), nullable=False),
    sa.Column("detail", sa.Text, nullable=False, server_default=""),
    sa.Column("files", sa.Integer, nullable=False),
    sa.CheckConstraint("number >= 1", name="numbered_from_one"),
)

copies = sa.Table(
    "copies",
    metadata,
    # The last report of each student's own copy: which version, and what became of the files.
    sa.Column("course", sa.String(SLUG), sa.ForeignKey("courses.slug"), primary_key=True),
    sa.Column("user", sa.String(NAME), primary_key=True),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("at", UtcTime, nullable=False),
    sa.Column("up_to_date", sa.Integer, nullable=False),
    sa.Column("kept", sa.Integer, nullable=False),
    sa.Column("details", sa.Text, nullable=False, server_default=""),
    sa.CheckConstraint("up_to_date >= 0 AND kept >= 0", name="counts_are_none_or_more"),
)

intake_orders = sa.Table(
    "intake_orders",
    metadata,
    # What a teacher wants read: web writes them, housekeeping, which may ask node, does them.
    sa.Column("id", sa.CHAR(16), primary_key=True),
    sa.Column("course", sa.String(SLUG), sa.ForeignKey("courses.slug"), nullable=False),
    sa.Column("by", sa.String(NAME), nullable=False),
    sa.Column("at", UtcTime, nullable=False),
    sa.Column("source", _enum(Source, "source"), nullable=False),
    # A path in the home of whoever wants it, or a repository's address.
    sa.Column("place", sa.Text, nullable=False),
    sa.Column("branch", sa.String(200), nullable=False, server_default=""),
    sa.Column("message", sa.Text, nullable=False, server_default=""),
    # Files of the newest version that it does not bring stay.
    sa.Column("adds", sa.Boolean, nullable=False),
    sa.Column("state", _enum(OrderState, "order_state"), nullable=False),
    sa.Column("intake", sa.CHAR(16)),
    sa.Column("problem", sa.Text, nullable=False, server_default=""),
    sa.CheckConstraint("(state = 'ready') = (intake IS NOT NULL)", name="ready_has_an_intake"),
    sa.Index(None, "course", "at"),
    sa.Index(None, "state", "at"),
)

secrets = sa.Table(
    "secrets",
    metadata,
    # What notebooks are given by userdata.get. They end with the account, which may come back:
    # they are keys to other places, and nobody who restores it knows what became of those.
    sa.Column(
        "user", sa.String(NAME), sa.ForeignKey("accounts.name", ondelete="CASCADE"),
        primary_key=True,
    ),
    sa.Column("name", sa.String(NAME), primary_key=True),
    # Only the hub's process can open it, and only as this name's of this user (hub.sealing).
    sa.Column("sealed", sa.Text, nullable=False),
    # Whether all notebooks of the user may read it.
    sa.Column("everywhere", sa.Boolean, nullable=False),
    sa.Column("created_at", UtcTime, nullable=False),
    sa.Column("changed_at", UtcTime, nullable=False),
)  # fmt: skip

secret_grants = sa.Table(
    "secret_grants",
    metadata,
    # Which notebooks may read a secret, and which wanted it and were told no.
    sa.Column("user", sa.String(NAME), primary_key=True),
    sa.Column("name", sa.String(NAME), primary_key=True),
    # Its path below the home; hub.secret_grants bounds it in bytes, for PostgreSQL's index.
    sa.Column("notebook", sa.String(1000), primary_key=True),
    sa.Column("state", _enum(GrantState, "grant_state"), nullable=False),
    sa.Column("at", UtcTime, nullable=False),
    sa.ForeignKeyConstraint(["user", "name"], ["secrets.user", "secrets.name"], ondelete="CASCADE"),
)

layers = sa.Table(
    "layers",
    metadata,
    # Builds of courses' extra packages. One that is ready has its folder on disk
    # (hub.materials.layer_files); of a course one at most is in use, and the file there follows.
    sa.Column("id", sa.CHAR(12), primary_key=True),
    sa.Column("course", sa.String(SLUG), sa.ForeignKey("courses.slug"), nullable=False),
    # Of the materials, in which their list was found so.
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("by", sa.String(NAME), nullable=False),
    sa.Column("image", sa.String(255), nullable=False),
    # What says that two lists want the same.
    sa.Column("key", sa.String(64), nullable=False),
    sa.Column("requirements", sa.Text, nullable=False),
    sa.Column("state", _enum(LayerState, "layer_state"), nullable=False),
    sa.Column("wanted_at", UtcTime, nullable=False),
    sa.Column("began_at", UtcTime),
    sa.Column("ended_at", UtcTime),
    # When another one took its place, or none.
    sa.Column("retired_at", UtcTime),
    sa.Column("size_bytes", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("files", sa.Integer, nullable=False, server_default="0"),
    # name==version, a line each.
    sa.Column("packages", sa.Text, nullable=False, server_default=""),
    sa.Column("problem", sa.Text, nullable=False, server_default=""),
    sa.Column("log", sa.Text, nullable=False, server_default=""),
    sa.CheckConstraint("retired_at IS NULL OR state = 'ready'", name="retired_was_ready"),
    sa.Index(None, "course", "wanted_at"),
    sa.Index(None, "state", "wanted_at"),
    sa.Index(
        "uq_layers_in_use",
        "course",
        unique=True,
        sqlite_where=sa.text("state = 'ready' AND retired_at IS NULL"),
        postgresql_where=sa.text("state = 'ready' AND retired_at IS NULL"),
    ),
)

drive_links = sa.Table(
    "drive_links",
    metadata,
    # Who let Carrel reach their Drive. It ends with the account, as secrets do.
    sa.Column(
        "user", sa.String(NAME), sa.ForeignKey("accounts.name", ondelete="CASCADE"),
        primary_key=True,
    ),
    sa.Column("state", _enum(DriveState, "drive_state"), nullable=False),
    # Google's refresh token: only the hub's process can open it (hub.drive_sealing).
    sa.Column("sealed", sa.Text),
    # What was consented to.
    sa.Column("scope", _enum(DriveScope, "drive_scope"), nullable=False),
    sa.Column("email", sa.String(320), nullable=False, server_default=""),
    # Id of My Drive: another one is another Drive, whatever it is called.
    sa.Column("root", sa.String(200), nullable=False, server_default=""),
    # JSON: a list of {"id", "title", "path", "bytes", "files"}.
    sa.Column("folders", sa.Text, nullable=False, server_default="[]"),
    sa.Column("everything", sa.Boolean, nullable=False, server_default=sa.false()),
    # When folders were chosen first: since then sessions have /content/drive.
    sa.Column("chosen_at", UtcTime),
    sa.Column("linked_at", UtcTime, nullable=False),
    sa.Column("changed_at", UtcTime, nullable=False),
    sa.Column("problem", sa.Text, nullable=False, server_default=""),
    # That much was deleted at once was meant.
    sa.Column("confirmed_deletion_at", UtcTime),
    sa.CheckConstraint("state <> 'linked' OR sealed IS NOT NULL", name="linked_has_a_token"),
    sa.CheckConstraint("state <> 'disconnected' OR sealed IS NULL", name="disconnected_has_none"),
)  # fmt: skip

drive_syncs = sa.Table(
    "drive_syncs",
    metadata,
    # The sidecar of a session: what it shows who it is with, and what it told last.
    sa.Column("session", sa.CHAR(12), primary_key=True),
    sa.Column(
        "user", sa.String(NAME), sa.ForeignKey("accounts.name", ondelete="CASCADE"),
        nullable=False,
    ),
    sa.Column("bearer_hash", sa.String(64), nullable=False, unique=True),
    sa.Column("began_at", UtcTime, nullable=False),
    sa.Column("ended_at", UtcTime),
    # JSON (hub.drive_reports); empty: none came yet, or a later session's took its place.
    sa.Column("report", sa.Text, nullable=False, server_default=""),
    sa.Column("reported_at", UtcTime),
    # The sentence of its end.
    sa.Column("result", sa.Text, nullable=False, server_default=""),
    sa.Index(None, "user", "began_at"),
)  # fmt: skip
