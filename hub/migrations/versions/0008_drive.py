"""Drive: who let Carrel reach theirs, and what the sidecars of sessions told."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "drive_links",
        sa.Column("user", sa.String(64), nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("sealed", sa.Text),
        sa.Column("scope", sa.String(32), nullable=False),
        sa.Column("email", sa.String(320), nullable=False, server_default=""),
        sa.Column("root", sa.String(200), nullable=False, server_default=""),
        sa.Column("folders", sa.Text, nullable=False, server_default="[]"),
        sa.Column("everything", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("chosen_at", MOMENT),
        sa.Column("linked_at", MOMENT, nullable=False),
        sa.Column("changed_at", MOMENT, nullable=False),
        sa.Column("problem", sa.Text, nullable=False, server_default=""),
        sa.Column("confirmed_deletion_at", MOMENT),
        sa.PrimaryKeyConstraint("user", name=op.f("pk_drive_links")),
        sa.ForeignKeyConstraint(["user"], ["accounts.name"], ondelete="CASCADE"),
        sa.CheckConstraint(
            "state IN ('linked', 'reconnect', 'disconnected')",
            name=op.f("ck_drive_links_drive_state"),
        ),
        sa.CheckConstraint(
            "scope IN ('full', 'app_folder', 'read_only')", name=op.f("ck_drive_links_drive_scope")
        ),
        sa.CheckConstraint(
            "state <> 'linked' OR sealed IS NOT NULL", name=op.f("ck_drive_links_linked_has_a_token")
        ),
        sa.CheckConstraint(
            "state <> 'disconnected' OR sealed IS NULL",
            name=op.f("ck_drive_links_disconnected_has_none"),
        ),
    )
    op.create_table(
        "drive_syncs",
        sa.Column("session", sa.CHAR(12), nullable=False),
        sa.Column("user", sa.String(64), nullable=False),
        sa.Column("bearer_hash", sa.String(64), nullable=False),
        sa.Column("began_at", MOMENT, nullable=False),
        sa.Column("ended_at", MOMENT),
        sa.Column("report", sa.Text, nullable=False, server_default=""),
        sa.Column("reported_at", MOMENT),
        sa.Column("result", sa.Text, nullable=False, server_default=""),
        sa.PrimaryKeyConstraint("session", name=op.f("pk_drive_syncs")),
        sa.ForeignKeyConstraint(["user"], ["accounts.name"], ondelete="CASCADE"),
        sa.UniqueConstraint("bearer_hash", name=op.f("uq_drive_syncs_bearer_hash")),
    )
    op.create_index(op.f("ix_drive_syncs_user_began_at"), "drive_syncs", ["user", "began_at"])


def downgrade() -> None:
    raise NotImplementedError("go back with a backup: a downgrade would drop what it cannot keep")
