"""Packages of a course on a real engine: from the registry to a real kernel."""

from __future__ import annotations

import json
import subprocess
import time
from textwrap import dedent

import pytest

pytestmark = [pytest.mark.engine, pytest.mark.timeout(900)]

PUBLISH = """
import os, sys, time
from datetime import UTC, datetime
from pathlib import Path
from hub import courses, installation, store
from hub.audit import By
from hub.courses import Wish
from hub.enums import Role, Source
from hub.materials import intake, places, publishing
from hub.materials.intake import Origin, Way
from hub.materials.members import Limits, Member
from hub.materials.publishing import Wanted
from hub.materials.repository import MAIN, ensure
from hub.powers import Actor
from spawner.errors import CarrelError
ours = installation.load(Path(os.environ["CARREL_ETC"]))
database, by = store.open_store(ours.settings), By("pack1", datetime.now(UTC))
try:
    database.decide(courses.make, Actor("pack1", Role.TEACHER), "packs", Wish("Packs"), by)
except CarrelError:
    pass
place = places.of(ours.settings.data_dir, "packs")
for _ in range(600):
    if place.intakes.is_dir():
        break
    time.sleep(0.1)
listed = sys.argv[1].encode()
coming = [Member("requirements.txt", 0o644, len(listed), lambda: iter([listed]))]
coming.append(Member("lab.ipynb", 0o644, 2, lambda: iter([b"{}"])))
taken = intake.take(place, iter(coming), Origin(by, Source.UPLOAD, "x", Way.REPLACE), Limits())
base = ensure(place.repository).commit_at(MAIN)
print(publishing.publish(database, place, Wanted(taken.id, base), by).number)
"""
STAND = """
import json, os
from pathlib import Path
from hub import installation, store
from hub.materials import layers
ours = installation.load(Path(os.environ["CARREL_ETC"]))
database = store.open_store(ours.settings)
found = database.read(layers.of_course, "packs")
told = [[one.state.value, one.names, one.problem] for one in found]
print(json.dumps([told, database.read(layers.log_of, found[0].id) if found else ""]))
"""
RUN = """
import json, queue, sys
from jupyter_client.manager import start_new_kernel
manager, client = start_new_kernel(cwd=sys.argv[1], kernel_name="python3")
client.execute(sys.argv[2])
said = ""
while True:
    message = client.get_iopub_msg(timeout=60)
    if message["msg_type"] == "stream":
        said += message["content"]["text"]
    elif message["msg_type"] == "error":
        said += message["content"]["ename"]
    elif message["content"].get("execution_state") == "idle" and message["parent_header"].get(
        "msg_type") == "execute_request":
        break
client.stop_channels(); manager.shutdown_kernel(now=True)
print(said)
"""
LIST = "iniconfig==2.0.0\n# the tests' own environment is not the sessions'\n"


def in_hub(installation, program, *arguments):
    code, said = installation.inside(
        f"{installation.project}-hub", "python", "-c", program, *arguments, user="60751"
    )
    assert code == 0, said
    return said


def built(installation, count, within_s=300):
    """The record and the newest log, once so many builds came to their end."""
    until = time.monotonic() + within_s
    while True:
        found, log = json.loads(in_hub(installation, STAND))
        if len(found) == count and found[0][0] in ("ready", "failed"):
            return found, log
        assert time.monotonic() < until, (found, log)
        time.sleep(1)


def kernel(installation, session, folder, code):
    """What a cell prints in a kernel of that folder."""
    code, said = installation.inside(session, "python", "-c", RUN, folder, dedent(code))
    assert code == 0, said
    print(said)  # with whatever its server would have logged
    return said.strip()


@pytest.fixture(scope="module")
def teacher(installation):
    installation.add_user("pack1", "teacher")
    in_hub(installation, PUBLISH, LIST)
    container = installation.start_session("pack1")
    code, said = installation.inside(container, "mkdir", "-p", "/content/courses/packs/week1")
    assert code == 0, said
    yield container
    installation.carrel("session", "stop", "pack1")


def test_a_list_is_built_and_imported_by_kernels_of_the_course_alone(installation, teacher):
    ((state, names, problem),), log = built(installation, 1)
    assert (state, names, problem) == ("ready", ["iniconfig==2.0.0"], ""), log
    assert "Successfully installed iniconfig-2.0.0" in log
    assert not installation.engine.docker("ps", "--all", "--quiet", "--filter", "label=carrel.job")
    here = "/content/courses/packs/week1"
    said = kernel(
        installation, teacher, here,
        """
        import iniconfig, subprocess, sys
        listed = subprocess.check_output([sys.executable, "-m", "pip", "list"], text=True)
        found = [line.split() for line in listed.splitlines() if "iniconfig" in line]
        print("SEEN", iniconfig.__file__, iniconfig.__spec__.cached, found, sep="|")
        """,
    )  # fmt: skip
    (seen,) = [line for line in said.splitlines() if line.startswith("SEEN|")]
    _, path, cached, listed = seen.split("|")
    assert path.startswith("/opt/carrel/courses/packs/packages/")
    assert installation.inside(teacher, "test", "-f", cached)[0] == 0
    assert listed == "[['iniconfig', '2.0.0']]"
    outside = kernel(installation, teacher, "/content", "import iniconfig")
    assert "ModuleNotFoundError" in outside
    code, said = installation.inside(teacher, "touch", path)
    assert code != 0
    assert "Read-only file system" in said


def test_a_build_that_fails_keeps_the_old_layer_for_a_running_session(installation, teacher):
    in_hub(installation, PUBLISH, "iniconfig==2.0.0\nno-such-package-as-this-one==1\n")
    found, log = built(installation, 2)
    assert [state for state, *_ in found] == ["failed", "ready"]
    assert "pip could not install" in found[0][2]
    assert "no-such-package-as-this-one" in log
    said = kernel(
        installation, teacher, "/content/courses/packs", "import iniconfig; print('there')"
    )
    assert "there" in said.splitlines()


def test_the_next_list_is_there_for_the_next_kernel_of_a_running_session(installation, teacher):
    in_hub(installation, PUBLISH, "iniconfig==2.1.0\n")
    found, log = built(installation, 3)
    assert found[0][:2] == ["ready", ["iniconfig==2.1.0"]], log
    here = "/content/courses/packs"
    code = "import importlib.metadata as m; print(m.version('iniconfig'))"
    assert "2.1.0" in kernel(installation, teacher, here, code).splitlines()
    in_hub(installation, PUBLISH, "# nothing any more\n")
    until = time.monotonic() + 60
    while "ModuleNotFoundError" not in kernel(installation, teacher, here, "import iniconfig"):
        assert time.monotonic() < until


def test_no_image_but_those_of_sessions_is_started(installation, teacher):
    program = (
        "import sys, json, asyncio; from pathlib import Path; from hub.node_api import NodeApi\n"
        "async def main():\n"
        "    async with NodeApi(Path(sys.argv[1])).job(json.loads(sys.argv[2])) as pieces:\n"
        "        async for piece in pieces: pass\n"
        "asyncio.run(main())"
    )
    asked = {
        "kind": "install", "id": "0123456789ab", "image": "debian:trixie-slim", "proxies": [],
        "requirements": "",
    }  # fmt: skip
    command = [
        "docker", "exec", f"{installation.project}-hub", "python", "-c", program,
        str(installation.data_dir / "run" / "node.sock"), json.dumps(asked),
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "is not one that sessions may use" in done.stderr
