"""Orders: what teachers want read into the materials of their courses."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "intake_orders",
        sa.Column("id", sa.CHAR(16), nullable=False),
        sa.Column("course", sa.String(40), sa.ForeignKey("courses.slug"), nullable=False),
        sa.Column("by", sa.String(64), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("source", sa.String(32), nullable=False),
        sa.Column("place", sa.Text, nullable=False),
        sa.Column("branch", sa.String(200), nullable=False, server_default=""),
        sa.Column("message", sa.Text, nullable=False, server_default=""),
        sa.Column("adds", sa.Boolean, nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("intake", sa.CHAR(16)),
        sa.Column("problem", sa.Text, nullable=False, server_default=""),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_intake_orders")),
        sa.CheckConstraint(
            "source IN ('session', 'git', 'upload', 'undo')", name=op.f("ck_intake_orders_source")
        ),
        sa.CheckConstraint(
            "state IN ('waiting', 'reading', 'ready', 'failed')",
            name=op.f("ck_intake_orders_order_state"),
        ),
        sa.CheckConstraint(
            "(state = 'ready') = (intake IS NOT NULL)",
            name=op.f("ck_intake_orders_ready_has_an_intake"),
        ),
    )
    op.create_index(op.f("ix_intake_orders_course_at"), "intake_orders", ["course", "at"])
    op.create_index(op.f("ix_intake_orders_state_at"), "intake_orders", ["state", "at"])


def downgrade() -> None:
    raise NotImplementedError("go back with a backup: a downgrade would drop what it cannot keep")
