"""What programs in a session ask the hub about courses, with the session's own token."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from hub import copies, courses, members, orders
from hub.audit import By
from hub.courses import Wish
from hub.enums import Joining, OrderState, Role, Source
from hub.materials import versions
from hub.models import copies as copy_rows
from hub.models import versions as version_rows
from hub.powers import Actor
from spawner.errors import CarrelError, Code
from tests.hub.world import World, answering_for_all, until

TESS = Actor("tess", Role.TEACHER)
COMMIT = "0123456789abcdef0123456789abcdef01234567"
REPORT: dict[str, Any] = {
    "version": COMMIT, "at": "2026-10-05T09:00:00+00:00", "first": False,
    "counts": {"up_to_date": 26, "kept": 2}, "current": 26, "own": 2,
    "files": [
        {"name": "lab3.ipynb", "fate": "kept"},
        {"name": "notes.ipynb", "fate": "set_aside", "saved_as": "notes__2026.ipynb"},
    ],
    "left_out": 0,
}  # fmt: skip


def by(who: str = "tess") -> By:
    return By(who, datetime.now(UTC))


def school(world: World) -> None:
    world.add("tess", Role.TEACHER)
    world.add("ada")
    world.add("bob")
    world.store.decide(courses.make, TESS, "ml", Wish("Machine learning", "", Joining.OPEN), by())
    world.store.decide(members.join, Actor("ada", Role.STUDENT), "ml", "", by("ada"))


async def token_of(world: World, name: str) -> str:
    """Of their session, which runs from now on."""
    await world.start(name)
    await until(lambda: world.ready(name))
    (made,) = [c for c in world.engine.containers.values() if f"-{name}-" in c.name]
    given = dict(item.split("=", 1) for item in made.body["Env"])
    return given["JUPYTERHUB_API_TOKEN"]


async def test_a_teacher_publishes_from_the_session(world: World) -> None:
    school(world)
    token = await token_of(world, "tess")

    status, said = await world.hub.api("GET", "/carrel/courses?role=teacher", None, token)
    assert (status, said) == (200, {"courses": [{"slug": "ml", "title": "Machine learning"}]})

    body = {"path": "lessons/week1", "message": "Week 1"}
    status, said = await world.hub.api("POST", "/carrel/courses/ml/publish", body, token)
    (order,) = world.store.read(orders.of_course, "ml")
    assert status == 202
    assert said["preview"].endswith(f"/services/carrel/courses/ml/materials/orders/{order.id}")
    assert (order.by, order.source, order.place, order.message, order.adds, order.state) == (
        "tess", Source.SESSION, "lessons/week1", "Week 1", False, OrderState.WAITING,
    )  # fmt: skip
    status, said = await world.hub.api("POST", "/carrel/courses/ml/publish", body, token)
    assert status == 409


async def test_a_student_publishes_nothing_and_teaches_nothing(world: World) -> None:
    school(world)
    token = await token_of(world, "ada")
    status, said = await world.hub.api("GET", "/carrel/courses?role=teacher", None, token)
    assert (status, said) == (200, {"courses": []})
    body = {"path": "lessons", "message": ""}
    status, said = await world.hub.api("POST", "/carrel/courses/ml/publish", body, token)
    assert status == 403
    assert "for the teachers of the course" in said["message"]
    assert world.store.read(orders.of_course, "ml") == []


async def test_a_copys_report_is_kept_for_its_owner_alone(world: World) -> None:
    school(world)
    world.store.decide(publish, "ml")
    async with answering_for_all(world):
        ada, bob = await token_of(world, "ada"), await token_of(world, "bob")
    for _ in range(2):
        status, _said = await world.hub.api("POST", "/carrel/courses/ml/copy", REPORT, ada)
        assert status == 204
    status, said = await world.hub.api("POST", "/carrel/courses/ml/copy", REPORT, bob)
    assert (status, world.store.read(reports)) == (404, [("ml", "ada", 1, 26, 2)]), said


async def test_without_a_sessions_token_nothing_is_told(world: World) -> None:
    school(world)
    for method, path in (
        ("GET", "/carrel/courses?role=teacher"),
        ("POST", "/carrel/courses/ml/copy"),
    ):
        status, _ = await world.hub.api(method, path, {} if method == "POST" else None, "wrong")
        assert status == 403
        # A service's token is no session's.
        status, _ = await world.hub.api(method, path, {} if method == "POST" else None)
        assert status == 403


def publish(tx: Any, slug: str) -> None:
    version = versions.Version(
        slug, 1, COMMIT, "", "tess", datetime.now(UTC), Source.UPLOAD, "", 28
    )
    tx.execute(version_rows.insert().values(**vars(version)))


def reports(tx: Any) -> list[tuple[Any, ...]]:
    names = ("course", "user", "version", "up_to_date", "kept")
    return [tuple(row) for row in tx.execute(copy_rows.select().with_only_columns(
        *(copy_rows.c[name] for name in names)))]  # fmt: skip


@pytest.mark.parametrize(
    "more",
    [
        {"version": "main"},
        {"version": None},
        {"counts": {"eaten": 1}},
        {"counts": {"kept": -1}},
        {"counts": {"kept": True}},
        {"counts": []},
        {"current": 10**9},
        {"own": "2"},
        {"left_out": None},
        {"files": [{"name": "x", "fate": "kept"}] * 501},
        {"files": [{"name": "x" * 2000, "fate": "kept"}]},
        {"files": [{"name": "x", "fate": "eaten"}]},
        {"files": [{"name": "x", "fate": "kept", "html": "<b>"}]},
        {"files": [{"name": ["x"], "fate": "kept"}]},
        {"files": ["x"]},
        {"files": {}},
    ],
)
def test_a_report_of_another_form_is_refused(more: dict[str, Any]) -> None:
    with pytest.raises(CarrelError) as error:
        copies.parse(REPORT | more)
    assert error.value.code is Code.BAD_INPUT
