"""Links of every kind, what people are called, who invited them, departures, sizes of homes."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
ROLES = "'student', 'teacher', 'admin'"


def upgrade() -> None:
    with op.batch_alter_table("accounts") as table:
        table.add_column(
            sa.Column("full_name", sa.String(100), nullable=False, server_default="")
        )
        table.add_column(sa.Column("invited_by", sa.String(64)))
        table.add_column(sa.Column("identity", sa.String(512)))
        table.add_column(sa.Column("interface", sa.String(32)))
        table.create_check_constraint(
            op.f("ck_accounts_interface"), "interface IN ('notebook', 'lab')"
        )
        table.create_unique_constraint(op.f("uq_accounts_identity"), ["identity"])
        table.create_index(op.f("ix_accounts_invited_by"), ["invited_by"])
    op.create_table(
        "departures",
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("role", sa.String(32), nullable=False),
        sa.Column("full_name", sa.String(100), nullable=False, server_default=""),
        sa.Column("invited_by", sa.String(64)),
        sa.Column("identity", sa.String(512)),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("deleted_at", MOMENT, nullable=False),
        sa.Column("deleted_by", sa.String(64), nullable=False),
        sa.Column("remove_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_departures")),
        sa.CheckConstraint(f"role IN ({ROLES})", name=op.f("ck_departures_role")),
    )
    op.create_index(op.f("ix_departures_remove_at"), "departures", ["remove_at"])
    op.create_table(
        "homes",
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("size_bytes", sa.BigInteger, nullable=False),
        sa.Column("measured_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_homes")),
    )
    _links()


def _links() -> None:
    op.create_table(
        "links",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("token_hash", sa.String(64), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("role", sa.String(32)),
        sa.Column("name", sa.String(64)),
        sa.Column("full_name", sa.String(100), nullable=False, server_default=""),
        sa.Column("created_by", sa.String(64), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("most_uses", sa.Integer, nullable=False),
        sa.Column("uses", sa.Integer, nullable=False),
        sa.Column("withdrawn_at", MOMENT),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_links")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_links_token_hash")),
        sa.CheckConstraint("kind IN ('invitation', 'reset')", name=op.f("ck_links_kind")),
        sa.CheckConstraint(f"role IN ({ROLES})", name=op.f("ck_links_role")),
        sa.CheckConstraint(
            "(kind = 'invitation') = (role IS NOT NULL)",
            name=op.f("ck_links_invitation_has_a_role"),
        ),
        sa.CheckConstraint(
            "kind <> 'reset' OR name IS NOT NULL", name=op.f("ck_links_reset_has_a_name")
        ),
        sa.CheckConstraint(
            "uses >= 0 AND uses <= most_uses", name=op.f("ck_links_used_within_its_limit")
        ),
    )
    op.create_index(op.f("ix_links_kind_name"), "links", ["kind", "name"])
    op.create_index(op.f("ix_links_created_by_id"), "links", ["created_by", "id"])
    # A setup link is an invitation by the command line, for one.
    op.execute(
        sa.text(
            "INSERT INTO links (token_hash, kind, role, full_name, created_by, created_at, "
            "expires_at, most_uses, uses) "
            "SELECT token_hash, 'invitation', role, '', '(command line)', created_at, expires_at, "
            "1, CASE WHEN used_at IS NULL THEN 0 ELSE 1 END FROM setup_links"
        )
    )
    op.drop_table("setup_links")


def downgrade() -> None:
    raise NotImplementedError("go back with a backup: a downgrade would drop what it cannot keep")
