"""Courses, who is in them, what they published, each student's copy; invitations into a course."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "courses",
        sa.Column("slug", sa.String(40), nullable=False),
        sa.Column("title", sa.String(100), nullable=False),
        sa.Column("description", sa.Text, nullable=False, server_default=""),
        sa.Column("created_by", sa.String(64), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("archived_at", MOMENT),
        sa.Column("joining", sa.String(32), nullable=False),
        sa.Column("code", sa.String(16), nullable=False),
        sa.Column("default_profile", sa.String(32)),
        sa.PrimaryKeyConstraint("slug", name=op.f("pk_courses")),
        sa.CheckConstraint("joining IN ('open', 'code', 'closed')", name=op.f("ck_courses_joining")),
    )
    op.create_table(
        "members",
        *_of_a_course("user"),
        sa.Column("role", sa.String(32), nullable=False),
        sa.Column("since", MOMENT, nullable=False),
        sa.Column("by", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("course", "user", name=op.f("pk_members")),
        sa.CheckConstraint("role IN ('teacher', 'student')", name=op.f("ck_members_role")),
    )
    op.create_index(op.f("ix_members_user_role"), "members", ["user", "role"])
    op.create_table(
        "versions",
        *_of_a_course(),
        sa.Column("number", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("commit", sa.String(64), nullable=False),
        sa.Column("message", sa.Text, nullable=False, server_default=""),
        sa.Column("by", sa.String(64), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("source", sa.String(32), nullable=False),
        sa.Column("detail", sa.Text, nullable=False, server_default=""),
        sa.Column("files", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("course", "number", name=op.f("pk_versions")),
        sa.CheckConstraint(
            "source IN ('session', 'git', 'upload', 'undo')", name=op.f("ck_versions_source")
        ),
        sa.CheckConstraint("number >= 1", name=op.f("ck_versions_numbered_from_one")),
    )
    op.create_table(
        "copies",
        *_of_a_course("user"),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("up_to_date", sa.Integer, nullable=False),
        sa.Column("kept", sa.Integer, nullable=False),
        sa.Column("details", sa.Text, nullable=False, server_default=""),
        sa.PrimaryKeyConstraint("course", "user", name=op.f("pk_copies")),
        sa.CheckConstraint(
            "up_to_date >= 0 AND kept >= 0", name=op.f("ck_copies_counts_are_none_or_more")
        ),
    )
    with op.batch_alter_table("links") as table:
        table.add_column(sa.Column("course", sa.String(40)))
        table.create_check_constraint(
            op.f("ck_links_a_course_is_for_students"), "course IS NULL OR role = 'student'"
        )


def _of_a_course(*person: str) -> list[sa.Column[str]]:
    course = sa.Column("course", sa.String(40), sa.ForeignKey("courses.slug"), nullable=False)
    return [course, *(sa.Column(name, sa.String(64), nullable=False) for name in person)]


def downgrade() -> None:
    raise NotImplementedError("go back with a backup: a downgrade would drop what it cannot keep")
