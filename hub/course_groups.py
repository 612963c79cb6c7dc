"""The hub groups that stand for courses: what JupyterHub's groups of a person follow.

Nobody writes to JupyterHub's groups: whoever could would put anybody among the administrators
(``role-admin``). The authenticator reads these names at each login, before each start, and every
few seconds of a login in use; a database that cannot be asked changes no group.
"""

from __future__ import annotations

import sqlalchemy as sa

from hub.course_names import GROUP
from hub.models import courses, members


def of_user(tx: sa.Connection, name: str) -> list[str]:
    """Groups of the courses that somebody is in and that go on; by name."""
    return [f"{GROUP}{slug}" for slug in slugs_of(tx, name)]


def slugs_of(tx: sa.Connection, name: str) -> list[str]:
    """The courses that somebody is in and that go on; by name."""
    query = (
        sa.select(members.c.course)
        .join(courses, courses.c.slug == members.c.course)
        .where(members.c.user == name, courses.c.archived_at.is_(None))
        .order_by(members.c.course)
    )
    return list(tx.scalars(query))
