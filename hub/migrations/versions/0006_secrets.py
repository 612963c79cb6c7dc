"""People's secrets, sealed by the hub, and which notebooks may read them."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "secrets",
        sa.Column("user", sa.String(64), nullable=False),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("sealed", sa.Text, nullable=False),
        sa.Column("everywhere", sa.Boolean, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("changed_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("user", "name", name=op.f("pk_secrets")),
        sa.ForeignKeyConstraint(["user"], ["accounts.name"], ondelete="CASCADE"),
    )
    op.create_table(
        "secret_grants",
        sa.Column("user", sa.String(64), nullable=False),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("notebook", sa.String(1000), nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("user", "name", "notebook", name=op.f("pk_secret_grants")),
        sa.ForeignKeyConstraint(
            ["user", "name"], ["secrets.user", "secrets.name"], ondelete="CASCADE"
        ),
        sa.CheckConstraint(
            "state IN ('asked', 'granted')", name=op.f("ck_secret_grants_grant_state")
        ),
    )


def downgrade() -> None:
    raise NotImplementedError("go back with a backup: a downgrade would drop what it cannot keep")
