"""A course is taken from what runs: wherever it was moved to, and nothing else with it."""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from spawner.errors import CarrelError, Code
from spawner.node import late, late_seen, late_unmount
from spawner.node.late import Container, Late
from spawner.node.late_seen import Folder, Mount

ROOT = Path(__file__).resolve().parents[3]
MOUNTINFO = r"""22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
30 22 8:1 /srv/homes/ann /content rw - ext4 /dev/sda1 rw
31 22 8:1 /srv/courses/ml/shared /opt/carrel/courses/ml ro - ext4 /dev/sda1 rw
32 22 8:1 /srv/courses/ai/shared /opt/else\040where\134x ro - ext4 /dev/sda1 rw
33 22 8:2 /srv/courses/no/shared /opt/carrel/courses/no ro - ext4 /dev/sdb1 rw
34 22 8:1 /srv/courses/ml/shared/data /opt/carrel/courses/x ro - ext4 /dev/sda1 rw
35 22 8:1 /srv/homes/ann/courses/me/shared /opt/carrel/courses/me ro - ext4 /dev/sda1 rw
"""


def test_a_course_is_told_by_what_is_mounted_and_not_by_where() -> None:
    found = late_seen.mounts(MOUNTINFO)
    courses = Folder("8:1", "/srv/courses")
    assert late_seen.slugs(courses, found) == {"ml", "ai"}
    (moved,) = late_seen.of(courses.of_course("ai"), found)
    assert moved == Mount("32", "8:1", "/srv/courses/ai/shared", "/opt/else where\\x")
    assert late_seen.slugs(Folder("8:1", "/srv/homes/ann/courses"), found) == {"me"}


IN_A_SESSION = """
set -e
for slug in ml ai; do
  mkdir -p "$1/in/$slug"
  mount --bind "$1/courses/$slug/shared" "$1/in/$slug"
done
mkdir "$1/in/home" && mount --bind "$1/homes/ann" "$1/in/home"
exec 3<"$1/in/ml/lab"
eval "$2"
touch "$1/ready"
exec sleep 60
"""
AGAIN = 'until mount --bind "$1/courses/ml/shared" "$1/in/ml" 2>/dev/null; do :; done'
RACE = """
import os, sys
top = sys.argv[1]
ours, other, aside = f"{top}/in", f"{top}/other", f"{top}/aside"
while True:
    os.rename(ours, aside)
    os.rename(other, ours)
    os.rename(ours, other)
    os.symlink(f"{other}", ours)
    os.unlink(ours)
    os.rename(aside, ours)
"""


@dataclass
class Session:
    """A process with mounts of its own, as a container's first one has them."""

    top: Path
    process: subprocess.Popen[bytes]

    @property
    def container(self) -> Container:
        line = Path(f"/proc/{self.process.pid}/cgroup").read_text().splitlines()[0]
        return Container(line, self.process.pid)

    @property
    def courses(self) -> Path:
        return self.top / "courses"

    def sees(self) -> set[str]:
        """The last part of what of ours is mounted in it."""
        found = late_seen.mounts(Path(f"/proc/{self.process.pid}/mountinfo").read_text())
        return {m.point.rsplit("/", 1)[-1] for m in found if m.point.startswith(f"{self.top}/")}

    def times(self, slug: str) -> int:
        """How often the course is mounted in it."""
        found = late_seen.mounts(Path(f"/proc/{self.process.pid}/mountinfo").read_text())
        return len(late_seen.of(late_seen.folder(self.courses).of_course(slug), found))

    def keep(self, *slugs: str) -> None:
        asyncio.run(Late().keep(self.courses, self.container, set(slugs)))


@contextlib.contextmanager
def running(top: Path, more: str = ":") -> Iterator[Session]:
    for slug in ("ml", "ai"):
        (top / "courses" / slug / "shared").mkdir(parents=True)
        (top / "courses" / slug / "shared" / "lab").write_text(slug)
    (top / "homes" / "ann").mkdir(parents=True)
    process = subprocess.Popen(
        ["unshare", "--mount", "--propagation", "private", "sh", "-c", IN_A_SESSION, "-",
         str(top), more],
    )  # fmt: skip
    try:
        until = time.monotonic() + 20
        while not (top / "ready").exists():
            assert process.poll() is None and time.monotonic() < until
            time.sleep(0.02)
        yield Session(top, process)
    finally:
        process.kill()
        process.wait()


@pytest.mark.root
def test_what_is_not_kept_is_gone_and_all_else_stays(tmp_path: Path) -> None:
    with running(tmp_path) as session:
        assert session.sees() == {"ml", "ai", "home"}
        session.keep("ml", "ai", "none")
        assert session.sees() == {"ml", "ai", "home"}
        for _ in range(2):
            session.keep("ai")
            assert session.sees() == {"ai", "home"}
        opened = Path(f"/proc/{session.process.pid}/fd/3")
        assert opened.read_text() == "ml", "what is open stays open: the documents say so"
        session.keep()
        assert session.sees() == {"home"}
    assert (tmp_path / "courses" / "ml" / "shared" / "lab").read_text() == "ml"


@pytest.mark.root
def test_a_course_is_found_where_it_was_moved_to_and_as_often_as_it_is_there(
    tmp_path: Path,
) -> None:
    more = (
        'mkdir "$1/more" "$1/in/ml2"; mount --bind "$1/courses/ml/shared" "$1/more";'
        'mount --bind "$1/courses/ml/shared" "$1/in/ml2";'
        'mount --bind "$1/courses/ml/shared" "$1/in/ml2";'
        'mv "$1/in" "$1/a b"; ln -s "a b" "$1/in"'
    )
    with running(tmp_path, more) as session:
        session.keep("ai")
        assert session.sees() == {"ai", "home"}


@pytest.mark.root
def test_folders_that_move_meanwhile_lead_to_nothing_else(tmp_path: Path) -> None:
    """The path of the one mount is that of another one now and then."""
    more = 'mkdir -p "$1/other/ml"; mount --bind "$1/courses/ai/shared" "$1/other/ml"'
    with running(tmp_path, more) as session:
        namespace = f"--mount=/proc/{session.process.pid}/ns/mnt"
        racer = subprocess.Popen(["nsenter", namespace, "python3", "-c", RACE, str(tmp_path)])
        try:
            for _ in range(8):
                with contextlib.suppress(CarrelError):
                    session.keep("ai")
                assert session.times("ai") == 2
                if session.times("ml") == 0:
                    again = ["nsenter", namespace, "sh", "-c", AGAIN, "-", str(tmp_path)]
                    subprocess.run(again, check=True)
        finally:
            racer.kill()
            racer.wait()
        session.keep("ai")
        assert (session.times("ml"), session.times("ai")) == (0, 2)


MOVED = """
import dataclasses, os, subprocess, sys
from pathlib import Path
from spawner.node import late_seen, late_unmount
top = sys.argv[1]
places = [f"{top}/{name}" for name in ("ml", "ai")]
for place in places:
    os.makedirs(place)
    subprocess.run(["mount", "--bind", place, place], check=True)
os.symlink("ai", f"{top}/link")
def there():
    found = late_seen.mounts(Path("/proc/self/mountinfo").read_text())
    return {m.point: m for m in found if m.point in places}
root, own = (os.open(path, os.O_RDONLY) for path in ("/", "/proc/self/fdinfo"))
ml, ai = (there()[place] for place in places)
for elsewhere in (ai.point, f"{top}/link", f"{top}/none", top, "/"):
    late_unmount._undo(root, own, dataclasses.replace(ml, point=elsewhere))
late_unmount._undo(root, own, dataclasses.replace(ai, point=f"{top}/link"))
assert len(there()) == 2, there()
late_unmount._undo(root, own, ml)
assert list(there()) == [ai.point], there()
"""


@pytest.mark.root
def test_a_path_that_leads_elsewhere_by_now_is_not_gone(tmp_path: Path) -> None:
    unshared = ["unshare", "--mount", "--propagation", "private", sys.executable]
    subprocess.run([*unshared, "-c", MOVED, str(tmp_path)], check=True, cwd=ROOT)


async def test_whoever_does_not_let_go_is_told_from_what_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "courses").mkdir()
    monkeypatch.setattr(late, "_seen", lambda *_: (Folder("8:1", "/srv/courses"), {"ml"}))
    asked = []

    codes = iter((late_unmount.STUBBORN, 1))

    async def run(*arguments: str) -> tuple[int, str]:
        asked.append(arguments)
        return next(codes), "so it is"

    monkeypatch.setattr(late, "_run", run)
    for told in (Code.CONFLICT, Code.UNAVAILABLE):
        with pytest.raises(CarrelError, match="so it is") as caught:
            await Late().keep(tmp_path / "courses", Container("c", 7), frozenset())
        assert caught.value.code is told
    assert asked[0] == ("late_unmount", "8:1", "/srv/courses/ml/shared", "7", "c")


@pytest.mark.root
def test_another_process_of_the_same_number_is_left_alone(tmp_path: Path) -> None:
    with running(tmp_path) as session:
        other = Container("0123456789abcdef", session.container.pid)
        with pytest.raises(CarrelError, match="has ended") as caught:
            asyncio.run(Late().keep(session.courses, other, frozenset()))
        assert caught.value.code is Code.UNAVAILABLE
        assert session.sees() == {"ml", "ai", "home"}


def test_what_has_ended_sees_nothing(tmp_path: Path) -> None:
    ended = subprocess.Popen(["true"])
    ended.wait()
    asyncio.run(Late().keep(tmp_path, Container("c", ended.pid), frozenset()))


def test_a_folder_of_ours_is_known_as_the_kernel_lists_it(tmp_path: Path) -> None:
    (tmp_path / "courses").mkdir()
    (tmp_path / "link").symlink_to("courses")
    found = late_seen.folder(tmp_path / "courses")
    assert found == late_seen.folder(tmp_path / "link")
    assert found.path.endswith("/courses")
    assert found.of_course("ml").path == f"{found.path}/ml/shared"
