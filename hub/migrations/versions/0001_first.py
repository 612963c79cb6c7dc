"""Accounts, setup links, login attempts, sessions, audit."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
ROLES = "'student', 'teacher', 'admin'"
STATES = "'queued', 'starting', 'running', 'draining', 'ended'"
REASONS = (
    "'stopped_by_user', 'admin', 'idle', 'failed_to_start', 'exited', 'out_of_memory', "
    "'engine_lost', 'unknown'"
)


def upgrade() -> None:
    op.create_table(
        "accounts",
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("role", sa.String(32), nullable=False),
        sa.Column("password_hash", sa.String(255)),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("disabled_at", MOMENT),
        sa.Column("last_login_at", MOMENT),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_accounts")),
        sa.CheckConstraint(f"role IN ({ROLES})", name=op.f("ck_accounts_role")),
    )
    op.create_table(
        "setup_links",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("token_hash", sa.String(64), nullable=False),
        sa.Column("role", sa.String(32), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("used_at", MOMENT),
        sa.Column("used_by", sa.String(64)),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_setup_links")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_setup_links_token_hash")),
        sa.CheckConstraint(f"role IN ({ROLES})", name=op.f("ck_setup_links_role")),
        sa.CheckConstraint(
            "(used_at IS NULL) = (used_by IS NULL)", name=op.f("ck_setup_links_used_by_somebody")
        ),
    )
    op.create_table(
        "login_attempts",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("name", sa.String(64)),
        sa.Column("address", sa.String(45), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_login_attempts")),
    )
    op.create_index(op.f("ix_login_attempts_name_at"), "login_attempts", ["name", "at"])
    op.create_index(op.f("ix_login_attempts_address_at"), "login_attempts", ["address", "at"])
    op.create_index(op.f("ix_login_attempts_at"), "login_attempts", ["at"])
    op.create_table(
        "sessions",
        sa.Column("id", sa.CHAR(12), nullable=False),
        sa.Column("user", sa.String(64), nullable=False),
        sa.Column("profile", sa.String(32), nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("container_id", sa.String(64)),
        sa.Column("url", sa.String(255)),
        sa.Column("requested_at", MOMENT, nullable=False),
        sa.Column("started_at", MOMENT),
        sa.Column("ready_at", MOMENT),
        sa.Column("ended_at", MOMENT),
        sa.Column("reason", sa.String(32)),
        sa.Column("detail", sa.Text, nullable=False, server_default=""),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sessions")),
        sa.CheckConstraint(f"state IN ({STATES})", name=op.f("ck_sessions_state")),
        sa.CheckConstraint(f"reason IN ({REASONS})", name=op.f("ck_sessions_reason")),
        sa.CheckConstraint(
            "(state = 'ended') = (ended_at IS NOT NULL)", name=op.f("ck_sessions_ended_has_a_time")
        ),
        sa.CheckConstraint(
            "(state = 'ended') = (reason IS NOT NULL)", name=op.f("ck_sessions_ended_has_a_reason")
        ),
    )
    op.create_index(op.f("ix_sessions_user_requested_at"), "sessions", ["user", "requested_at"])
    op.create_index(
        "uq_sessions_active_user",
        "sessions",
        ["user"],
        unique=True,
        sqlite_where=sa.text("state <> 'ended'"),
        postgresql_where=sa.text("state <> 'ended'"),
    )
    op.create_table(
        "audit",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("who", sa.String(64), nullable=False),
        sa.Column("what", sa.String(64), nullable=False),
        sa.Column("whom", sa.String(64)),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("address", sa.String(45)),
        sa.Column("detail", sa.Text, nullable=False, server_default=""),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit")),
    )
    op.create_index(op.f("ix_audit_at"), "audit", ["at"])
    op.create_index(op.f("ix_audit_whom_at"), "audit", ["whom", "at"])


def downgrade() -> None:
    raise NotImplementedError("go back with a backup: a downgrade would drop what it cannot keep")
