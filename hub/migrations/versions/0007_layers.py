"""Layers: builds of the extra packages of courses."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
IN_USE = sa.text("state = 'ready' AND retired_at IS NULL")


def upgrade() -> None:
    op.create_table(
        "layers",
        sa.Column("id", sa.CHAR(12), nullable=False),
        sa.Column("course", sa.String(40), sa.ForeignKey("courses.slug"), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("by", sa.String(64), nullable=False),
        sa.Column("image", sa.String(255), nullable=False),
        sa.Column("key", sa.String(64), nullable=False),
        sa.Column("requirements", sa.Text, nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("wanted_at", MOMENT, nullable=False),
        sa.Column("began_at", MOMENT),
        sa.Column("ended_at", MOMENT),
        sa.Column("retired_at", MOMENT),
        sa.Column("size_bytes", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("files", sa.Integer, nullable=False, server_default="0"),
        sa.Column("packages", sa.Text, nullable=False, server_default=""),
        sa.Column("problem", sa.Text, nullable=False, server_default=""),
        sa.Column("log", sa.Text, nullable=False, server_default=""),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_layers")),
        sa.CheckConstraint(
            "state IN ('waiting', 'building', 'ready', 'failed')", name=op.f("ck_layers_layer_state")
        ),
        sa.CheckConstraint(
            "retired_at IS NULL OR state = 'ready'", name=op.f("ck_layers_retired_was_ready")
        ),
    )
    op.create_index(op.f("ix_layers_course_wanted_at"), "layers", ["course", "wanted_at"])
    op.create_index(op.f("ix_layers_state_wanted_at"), "layers", ["state", "wanted_at"])
    op.create_index(
        "uq_layers_in_use", "layers", ["course"], unique=True,
        sqlite_where=IN_USE, postgresql_where=IN_USE,
    )  # fmt: skip


def downgrade() -> None:
    raise NotImplementedError("go back with a backup: a downgrade would drop what it cannot keep")
