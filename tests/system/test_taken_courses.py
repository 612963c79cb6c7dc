"""Who is put out of a course, or leaves it, sees it no more in a session that goes on."""

from __future__ import annotations

import subprocess
import time

import pytest

pytestmark = [pytest.mark.engine, pytest.mark.timeout(600)]

DO = """
import os, sys
from datetime import UTC, datetime
from pathlib import Path
from hub import courses, installation, members
from hub.audit import By
from hub.enums import Role
from hub.powers import Actor
from hub.store import open_store
who, role, verb, *rest = sys.argv[1:]
do = {"join": members.join, "leave": members.leave, "remove": members.remove,
      "archive": courses.archive}[verb]
settings = installation.load(Path(os.environ["CARREL_ETC"])).settings
open_store(settings).decide(do, Actor(who, Role(role)), *rest, By(who, datetime.now(UTC)))
"""
SHOW = """
import asyncio, sys
from pathlib import Path
from hub.node_api import NodeApi
asyncio.run(NodeApi(Path(sys.argv[1])).show_course(sys.argv[2], sys.argv[3]))
"""
HOLD = """
import os, sys, time
held = open("/opt/carrel/courses/taken-one/note.txt")
open("/tmp/held", "w")
while not os.path.exists("/tmp/go"):
    time.sleep(0.1)
print(held.read())
"""


def in_hub(installation, script: str, *arguments: str) -> None:
    command = ["docker", "exec", f"{installation.project}-hub", "python", "-c", script, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def sees(installation, container: str) -> set[str]:
    """Which of the courses are mounted somewhere in the session."""
    _, mounts = installation.inside(container, "cat", "/proc/self/mountinfo")
    return {word for word in ("taken-one", "taken-two") if f"/courses/{word}/shared " in mounts}


def until_sees(installation, container: str, wanted: set[str], within_s: float = 15) -> None:
    until = time.monotonic() + within_s
    while (found := sees(installation, container)) != wanted:
        assert time.monotonic() < until, found
        time.sleep(0.3)


def test_a_course_that_one_is_out_of_is_gone_from_a_session_that_runs(installation):
    installation.add_user("tktess", role="teacher")
    installation.add_user("tkann")
    notes = {}
    for slug in ("taken-one", "taken-two"):
        installation.carrel("course", "add", slug, slug, "--teacher", "tktess")
        notes[slug] = installation.data_dir / "courses" / slug / "shared" / "note.txt"
        until = time.monotonic() + 15
        while not notes[slug].parent.is_dir():
            assert time.monotonic() < until
            time.sleep(0.2)
        notes[slug].write_text(slug)
    in_hub(installation, DO, "tkann", "student", "join", "taken-one", "")
    container = installation.start_session("tkann")
    assert sees(installation, container) == {"taken-one"}

    in_hub(installation, DO, "tkann", "student", "join", "taken-two", "")
    socket = str(installation.data_dir / "run" / "node.sock")
    in_hub(installation, SHOW, socket, container, "taken-two")
    assert sees(installation, container) == {"taken-one", "taken-two"}
    holder = subprocess.Popen(
        ["docker", "exec", container, "python3", "-c", HOLD], stdout=subprocess.PIPE, text=True
    )
    while installation.inside(container, "test", "-e", "/tmp/held")[0] != 0:
        assert holder.poll() is None
        time.sleep(0.1)

    # Its root moves the folders about first, and puts a link in their place.
    code, said = installation.inside(
        container, "sh", "-c",
        "cd /opt/carrel && python3 -c \"import os; os.rename('courses', 'mine')\" "
        "&& ln -s mine courses",
    )  # fmt: skip
    assert code == 0, said
    in_hub(installation, DO, "tktess", "teacher", "remove", "taken-one", "tkann")
    until_sees(installation, container, {"taken-two"})
    assert installation.inside(container, "cat", "/opt/carrel/courses/taken-one/note.txt")[0] != 0
    kept = installation.inside(container, "cat", "/opt/carrel/mine/taken-two/note.txt")
    assert kept == (0, "taken-two")
    installation.inside(container, "touch", "/tmp/go")
    assert holder.communicate(timeout=30)[0] == "taken-one\n", "what was open stays open"

    in_hub(installation, DO, "tkann", "student", "leave", "taken-two")
    until_sees(installation, container, set())
    assert "/content " in installation.inside(container, "cat", "/proc/mounts")[1]
    assert installation.session_container("tkann") == container, "and the session goes on"
    installation.carrel("session", "stop", "tkann")
