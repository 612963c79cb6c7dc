"""Whether the engine answers, and which sessions are paused: as housekeeping saw it last."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("sessions", sa.Column("paused_at", MOMENT))
    op.create_table(
        "engine",
        sa.Column("id", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("asked_at", MOMENT, nullable=False),
        sa.Column("silent_since", MOMENT),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_engine")),
        sa.CheckConstraint("id = 1", name=op.f("ck_engine_is_one")),
    )


def downgrade() -> None:
    raise NotImplementedError("go back with a backup: a downgrade would drop what it cannot keep")
