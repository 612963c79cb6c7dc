"""The folder of a course: whose it is, and what cannot be put in its place."""

from __future__ import annotations

import os
import stat

import pytest

from spawner.errors import CarrelError
from spawner.node.courses import ensure_course, is_there
from spawner.node.late import Container, Late


@pytest.fixture
def courses(tmp_path):
    path = tmp_path / "courses"
    path.mkdir()
    return path


def modes(course):
    return {p.name: stat.S_IMODE(p.stat().st_mode) for p in (course, *course.iterdir())}


def test_the_folder_is_made_and_a_second_time_changes_nothing(courses):
    for _ in range(2):
        ensure_course(courses, "ml", os.geteuid())
        assert modes(courses / "ml") == {"ml": 0o711, "shared": 0o755, "incoming": 0o700}
    assert is_there(courses, "ml")
    assert not is_there(courses, "ai")


@pytest.mark.root
def test_only_the_rooms_in_it_are_the_hubs(courses):
    ensure_course(courses, "ml", 60751)
    assert (courses / "ml").stat().st_uid == 0
    assert (courses / "ml" / "shared").stat().st_uid == 60751


def test_modes_that_were_changed_are_mended(courses):
    ensure_course(courses, "ml", os.geteuid())
    (courses / "ml").chmod(0o777)
    ensure_course(courses, "ml", os.geteuid())
    assert modes(courses / "ml")["ml"] == 0o711


def test_a_link_in_its_place_is_neither_followed_nor_mounted(courses, tmp_path):
    (tmp_path / "elsewhere" / "shared").mkdir(parents=True)
    (courses / "ml").symlink_to(tmp_path / "elsewhere")
    assert not is_there(courses, "ml")
    with pytest.raises(CarrelError, match="plain folder"):
        ensure_course(courses, "ml", os.geteuid())
    assert not (tmp_path / "elsewhere" / "incoming").exists()


async def test_the_hub_has_it_made(node):
    status, _ = await node.ask("PUT", "/carrel/courses/ml")
    assert status == 204
    assert (node.config.courses / "ml" / "shared").is_dir()


@pytest.mark.parametrize("slug", ["..", "ML", "m", "-ml", "ml%2f..", "m" * 41])
async def test_what_is_no_slug_is_refused(node, slug):
    status, _ = await node.ask("PUT", f"/carrel/courses/{slug}")
    assert status == 403
    assert list(node.config.courses.iterdir()) == []


async def test_a_course_without_a_folder_keeps_nobody_from_starting(node):
    ensure_course(node.config.courses, "ml", os.geteuid())
    data = node.config.data_dir
    node.body["HostConfig"]["Binds"] += [
        f"{data}/courses/{slug}/shared:/opt/carrel/courses/{slug}:ro" for slug in ("ml", "gone")
    ]
    status, _ = await node.create(node.body)
    assert status == 201
    sent = next(body for _, path, _, body in node.engine.requests if path == "/containers/create")
    assert [m["Target"] for m in sent["HostConfig"]["Mounts"]] == [
        "/content",
        "/opt/carrel/courses/ml",
    ]


async def test_a_session_is_held_to_its_courses(node, session, monkeypatch):
    """Of the engine node asks only which process it is."""
    held = []

    async def keep(self, courses, container, slugs):
        held.append((courses, container, slugs))

    monkeypatch.setattr(Late, "keep", keep)
    node.engine.containers["s"] = session | {"State": {"Pid": 4711}}
    for slugs in ([], ["ml", "ai-2"]):
        status, _ = await node.ask("PUT", "/carrel/sessions/s/courses", json={"courses": slugs})
        assert status == 204
    courses, container, _ = held[0]
    assert (courses, container) == (node.config.courses, Container(session["Id"], 4711))
    assert [slugs for _, _, slugs in held] == [frozenset(), {"ml", "ai-2"}]
    assert node.engine.changes == []

    node.engine.containers["s"] = session | {"State": {"Pid": 0}}
    status, _ = await node.ask("PUT", "/carrel/sessions/s/courses", json={"courses": []})
    assert (status, len(held)) == (204, 2), "what does not run sees nothing"


@pytest.mark.parametrize(
    "body",
    [{}, {"courses": None}, {"courses": "ml"}, {"courses": [1]}, {"courses": ["../x"]},
     {"courses": [""]}, {"courses": ["ml"], "more": 1}, {"courses": ["ml"] * 1001}],
)  # fmt: skip
async def test_what_is_not_understood_takes_nothing_away(node, session, monkeypatch, body):
    monkeypatch.setattr(Late, "keep", None)
    node.engine.containers["s"] = session | {"State": {"Pid": 4711}}
    status, said = await node.ask("PUT", "/carrel/sessions/s/courses", json=body)
    assert status == 403
    assert "courses" in said["message"] or "more" in said["message"]


async def test_only_sessions_of_this_installation_are_touched(node, make_container, monkeypatch):
    monkeypatch.setattr(Late, "keep", None)
    node.engine.containers["x"] = make_container({"carrel.project": "other"})
    ask = {"json": {"courses": []}}
    assert (await node.ask("PUT", "/carrel/sessions/x/courses", **ask))[0] == 403
    assert (await node.ask("PUT", "/carrel/sessions/gone/courses", **ask))[0] == 404
