"""Jobs on a real engine: what they read, what they reach, and that nothing is left of them."""

from __future__ import annotations

import contextlib
import io
import json
import socket
import subprocess
import tarfile
import threading

import pytest

pytestmark = [pytest.mark.engine, pytest.mark.timeout(600)]

ASK = """
import asyncio, json, sys
from pathlib import Path
from hub.node_api import NodeApi
from spawner.errors import CarrelError
async def main():
    try:
        async with NodeApi(Path(sys.argv[1])).job(json.loads(sys.argv[2])) as pieces:
            async for piece in pieces:
                sys.stdout.buffer.write(piece)
    except CarrelError as error:
        sys.exit(str(error))
asyncio.run(main())
"""
LAN = "192.168.78.1"


def job(installation, **more):
    """Exit code, standard output and error of a job that the hub asks node for."""
    command = [
        "docker", "exec", f"{installation.project}-hub", "python", "-c", ASK,
        str(installation.data_dir / "run" / "node.sock"), json.dumps(more),
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, check=False)
    return done.returncode, done.stdout, done.stderr.decode()


@contextlib.contextmanager
def listening(address):
    """A listener on an address of this namespace; yields its port and who came."""
    add = ["ip", "address", "add", f"{address}/32", "dev", "lo"]
    subprocess.run(add, check=True, capture_output=True)
    came = []
    with socket.create_server((address, 0)) as server:

        def accept():
            with contextlib.suppress(OSError):
                while True:
                    came.append(server.accept())

        threading.Thread(target=accept, daemon=True).start()
        try:
            yield server.getsockname()[1], came
        finally:
            server.shutdown(socket.SHUT_RDWR)
            subprocess.run(["ip", "address", "delete", f"{address}/32", "dev", "lo"], check=True)


def containers_of_jobs(installation):
    return installation.engine.docker("ps", "--all", "--quiet", "--filter", "label=carrel.job")


@pytest.fixture(scope="module")
def teacher(installation):
    installation.add_user("job1", "teacher")
    container = installation.start_session("job1")
    yield container
    installation.carrel("session", "stop", "job1")


def test_a_collect_reads_the_teachers_folder_and_leaves_nothing_behind(installation, teacher):
    script = "mkdir -p ml && echo '{}' > ml/lab.ipynb && ln -s /etc/shadow ml/out && chmod 600 ml/*"
    assert installation.inside(teacher, "sh", "-c", f"cd /content && {script}")[0] == 0
    code, sent, said = job(installation, kind="collect", id="0123456789ab", user="job1", path="ml")
    assert code == 0, said
    with tarfile.open(fileobj=io.BytesIO(sent)) as tar:
        kinds = {member.name: member.isfile() for member in tar}
    assert kinds == {"home": False, "home/lab.ipynb": True, "home/out": False}
    assert containers_of_jobs(installation) == ""


def test_a_collect_of_what_is_not_there_says_so(installation, teacher):
    code, sent, said = job(
        installation, kind="collect", id="0123456789ab", user="job1", path="nothing"
    )
    assert (code, sent) == (1, b"")
    assert "There is no 'nothing' in the home." in said


def test_a_fetch_reaches_no_private_address(installation):
    with listening(LAN) as (port, came):
        code, _, said = job(
            installation,
            kind="fetch", id="0123456789ab", url=f"https://{LAN}:{port}/labs.git", branch="",
        )  # fmt: skip
    assert code == 1
    assert came == []
    assert "cannot be fetched" in said
    assert containers_of_jobs(installation) == ""


ENSURE = """
import asyncio, sys
from pathlib import Path
from hub.node_api import NodeApi
node = NodeApi(Path(sys.argv[1]))
async def main():
    await node.ensure_course("ml")
    Path(sys.argv[2], "courses/ml/shared/lab.txt").write_text("the lab")
    for _ in range(2):
        await node.show_course(sys.argv[3], "ml")
asyncio.run(main())
"""


def test_a_running_session_is_shown_a_course_to_read(installation, teacher):
    data = installation.data_dir
    command = [
        "docker", "exec", f"{installation.project}-hub", "python", "-c", ENSURE,
        str(data / "run" / "node.sock"), str(data), teacher,
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    seen = installation.inside(teacher, "cat", "/opt/carrel/courses/ml/lab.txt")
    assert seen == (0, "the lab")
    code, said = installation.inside(teacher, "touch", "/opt/carrel/courses/ml/lab.txt")
    assert code != 0
    assert "Read-only file system" in said
    mounts = installation.inside(teacher, "cat", "/proc/mounts")[1]
    (line,) = [m for m in mounts.splitlines() if " /opt/carrel/courses/ml " in m]
    assert {"ro", "nosuid", "nodev"} <= set(line.split()[3].split(","))
