"""A publish is whole or absent: beside another one, and killed at any step."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from hub.enums import Source
from hub.materials import bringing, intake, marks, publishing, repairing, versions
from hub.materials.intake import Way
from hub.materials.places import Place
from hub.materials.publishing import Wanted
from hub.materials.repository import MAIN, Repository
from hub.materials.versions import Version
from hub.models import courses
from hub.store import Store
from spawner.errors import CarrelError, Code
from tests.hub.materials.trees import NOW, by, take

ROOT = Path(__file__).resolve().parents[3]


def main_of(place: Place) -> str | None:
    return Repository(place.repository).commit_at(MAIN)


def files_of(place: Place) -> dict[str, bytes]:
    course = Repository(place.repository)
    main = course.commit_at(MAIN)
    return {p: course.must("cat-file", "blob", f"{main}:{p}") for p in course.paths(main)}


def objects_of(place: Place) -> set[str]:
    """All that whoever reads the repository can read."""
    every = ("cat-file", "--batch-all-objects", "--batch-check=%(objectname)")
    return set(Repository(place.repository).must(*every).decode().split())


def publish(
    store: Store, place: Place, files: dict[str, bytes], message: str = "", **origin: object
) -> Version:
    taken = take(place, files, **origin)
    return publishing.publish(store, place, Wanted(taken.id, main_of(place), message), by())


def test_a_publish_is_a_commit_and_a_row(course: Store, place: Place) -> None:
    taken = take(place, {"lab.ipynb": b"{}", "b": b"2"}, detail="/content/labs")
    version = publishing.publish(course, place, Wanted(taken.id, None, "Hello\n\nall"), by())
    assert version == Version(
        "ds-1", 1, main_of(place) or "", "Hello\n\nall", "tess", NOW, Source.SESSION,
        "/content/labs", 2,
    )  # fmt: skip
    assert course.read(versions.listed, "ds-1") == [version]
    assert files_of(place) == {"lab.ipynb": b"{}", "b": b"2"}
    assert list(place.intakes.iterdir()) == []
    with pytest.raises(CarrelError) as caught:
        intake.look(place, taken.id)
    assert caught.value.code is Code.NOT_FOUND


def test_whoever_clones_it_gets_it(course: Store, place: Place, tmp_path: Path) -> None:
    """As a session does: another program, another configuration, the path as the address."""
    publish(course, place, {"week/lab.ipynb": b"{}"})
    publish(course, place, {"week/lab.ipynb": b"{1}"})
    repairing.tidy(place)
    copy = tmp_path / "copy"
    command = ["git", "-c", "safe.directory=*", "clone", "-q", f"file://{place.repository}", copy]
    subprocess.run(command, check=True)
    assert (copy / "week" / "lab.ipynb").read_bytes() == b"{1}"


def test_versions_are_numbered_and_the_newest_comes_first(course: Store, place: Place) -> None:
    for n in (1, 2, 3):
        publish(course, place, {"a": b"%d" % n}, f"no. {n}")
    listed = course.read(versions.listed, "ds-1")
    assert [(v.number, v.message) for v in listed] == [(3, "no. 3"), (2, "no. 2"), (1, "no. 1")]
    assert course.read(versions.newest, "ds-1") == listed[0]
    assert course.read(versions.find, "ds-1", 2) == listed[1]
    with pytest.raises(CarrelError) as caught:
        course.read(versions.find, "ds-1", 4)
    assert caught.value.code is Code.NOT_FOUND


def test_undo_is_a_version_with_the_files_of_the_one_before(course: Store, place: Place) -> None:
    publish(course, place, {"a": b"1"})
    second = publish(course, place, {"a": b"2", "b": b"2"})
    undone = publishing.undo(course, place, second.commit, by("co"))
    assert (undone.number, undone.source, undone.files, undone.by) == (3, Source.UNDO, 1, "co")
    assert undone.message == "Version 2 undone"
    assert files_of(place) == {"a": b"1"}
    again = publishing.undo(course, place, undone.commit, by())
    assert files_of(place) == {"a": b"2", "b": b"2"}
    assert again.number == 4


def test_undo_of_the_first_version_leaves_no_file(course: Store, place: Place) -> None:
    first = publish(course, place, {"a": b"1"})
    assert publishing.undo(course, place, first.commit, by()).files == 0
    assert files_of(place) == {}
    with pytest.raises(CarrelError, match="meanwhile"):
        publishing.undo(course, place, first.commit, by())


def test_what_was_seen_before_another_publish_is_refused(course: Store, place: Place) -> None:
    mine, added = take(place, {"a": b"mine"}), take(place, {"c": b"mine"}, way=Way.ADD)
    publish(course, place, {"a": b"theirs"})
    for wanted in (Wanted(mine.id, None), Wanted(added.id, None), Wanted(added.id, main_of(place))):
        with pytest.raises(CarrelError, match="Somebody published meanwhile") as caught:
            publishing.publish(course, place, wanted, by())
        assert caught.value.code is Code.CONFLICT
    assert files_of(place) == {"a": b"theirs"}
    # Looked at anew, it may still be published: it is kept.
    publishing.publish(course, place, Wanted(mine.id, main_of(place)), by())
    assert files_of(place) == {"a": b"mine"}


def test_of_two_publishes_at_once_one_wins(course: Store, place: Place) -> None:
    base = publish(course, place, {"a": b"0"}).commit
    ids = [take(place, {"a": b"%d" % n}).id for n in (1, 2, 3)]
    start = threading.Barrier(len(ids))
    told: list[object] = []

    def go(id_: str) -> None:
        start.wait()
        try:
            told.append(publishing.publish(course, place, Wanted(id_, base), by()).number)
        except CarrelError as error:
            told.append(error.code)

    threads = [threading.Thread(target=go, args=(id_,)) for id_ in ids]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(map(str, told)) == ["2", "Code.CONFLICT", "Code.CONFLICT"]
    assert [v.number for v in course.read(versions.listed, "ds-1")] == [2, 1]


def test_what_differs_in_nothing_is_no_version(course: Store, place: Place) -> None:
    publish(course, place, {"a": b"1"})
    with pytest.raises(CarrelError, match="Nothing differs") as caught:
        publish(course, place, {"a": b"1"})
    assert caught.value.code is Code.CONFLICT


def test_a_course_that_is_gone_or_archived_gets_nothing(course: Store, place: Place) -> None:
    taken = take(place, {"a": b"1"})
    with course.deciding() as tx:
        tx.execute(courses.update().values(archived_at=NOW))
    with pytest.raises(CarrelError, match="archived"):
        publishing.publish(course, place, Wanted(taken.id, None), by())
    with course.deciding() as tx:
        tx.execute(courses.delete())
    with pytest.raises(CarrelError, match="no course ds-1"):
        publishing.publish(course, place, Wanted(taken.id, None), by())
    assert main_of(place) is None


def test_a_message_forges_no_record(course: Store, place: Place) -> None:
    forged = 'x\n\nCarrel: {"version": 99, "by": "root"}\x00\x1b'
    version = publish(course, place, {"a": b"1"}, forged)
    with course.deciding() as tx:
        tx.execute(sa.delete(versions.versions))
    assert repairing.repair(course, place, NOW) == [version]
    assert (version.number, version.by) == (1, "tess")
    assert version.message == forged.replace("\x00", " ").replace("\x1b", " ").strip()
    with pytest.raises(CarrelError, match="too long"):
        marks.clean_message("x" * 1001)


def test_a_version_with_holes_is_not_published(
    course: Store, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As if the intake went away while its packs were brought: names arrive, contents do not."""
    base = publish(course, place, {"a": b"1"}).commit
    taken = take(place, {"a": b"2"})
    mine = intake.of(place, taken.id)

    def bring_in_part(*_: object) -> None:
        tree = mine.must("cat-file", "tree", mine.tree_of(taken.commit))
        Repository(place.repository).must("hash-object", "-t", "tree", "-w", "--stdin", stdin=tree)

    with monkeypatch.context() as patch:
        patch.setattr(bringing, "bring", bring_in_part)
        with pytest.raises(CarrelError):
            publishing.publish(course, place, Wanted(taken.id, base), by())
    assert files_of(place) == {"a": b"1"}
    assert [v.number for v in course.read(versions.listed, "ds-1")] == [1]
    assert publishing.publish(course, place, Wanted(taken.id, base), by()).number == 2


PUBLISH = """
import os, signal, sys
from pathlib import Path
from hub.materials import bringing, intake, places, publishing, repairing
from hub.materials.publishing import Wanted
from hub.materials.repository import Repository
from hub.store import Store
from tests.hub.materials.trees import by
url, data_dir, id_, base, module, name, nth, when = sys.argv[1:]
owner = {"bringing": bringing, "repairing": repairing, "intake": intake,
         "Repository": Repository}[module]
original, calls = getattr(owner, name), []
def killed(*args, **kwargs):
    calls.append(args)
    if when == "before" and len(calls) == int(nth):
        os.kill(os.getpid(), signal.SIGKILL)
    done = original(*args, **kwargs)
    if when == "after" and len(calls) == int(nth):
        os.kill(os.getpid(), signal.SIGKILL)
    return done
setattr(owner, name, killed)
place = places.of(Path(data_dir), "ds-1")
publishing.publish(Store(url), place, Wanted(id_, base, "the second"), by())
"""
# Which call of which function is the last, whether before or after it; whether it was published.
STEPS = [
    ("bringing", "bring", 1, "before", False),
    ("bringing", "_write", 1, "after", False),
    ("bringing", "bring", 1, "after", False),
    ("Repository", "commit", 1, "after", False),
    ("Repository", "commit", 2, "after", False),
    ("Repository", "move", 1, "before", False),
    ("Repository", "move", 1, "after", True),
    ("repairing", "record", 2, "before", True),
    ("repairing", "record", 2, "after", True),
    ("bringing", "settle", 2, "before", True),
    ("bringing", "settle", 2, "after", True),
    ("intake", "discard", 1, "before", True),
]


@pytest.mark.parametrize("step", STEPS, ids=lambda step: "-".join(map(str, step)))
def test_killed_at_any_step_it_is_whole_or_absent(
    course: Store, place: Place, url: sa.URL, step: tuple[str, str, int, str, bool]
) -> None:
    *last, happened = step
    base = publish(course, place, {"a": b"1"}).commit
    taken, before = take(place, {"a": b"2", "b": b"2"}), objects_of(place)
    where = url.render_as_string(hide_password=False)
    data_dir = str(place.folder.parents[1])
    ended = subprocess.run(
        [sys.executable, "-c", PUBLISH, where, data_dir, taken.id, base, *map(str, last)],
        cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, check=False,
    )  # fmt: skip
    assert ended.returncode == -signal.SIGKILL

    added = repairing.repair(course, place, NOW)

    listed = course.read(versions.listed, "ds-1")
    assert [v.number for v in listed] == ([2, 1] if happened else [1])
    assert listed[0].commit == main_of(place)
    assert files_of(place) == ({"a": b"2", "b": b"2"} if happened else {"a": b"1"})
    assert all(version in listed for version in added)
    if happened:
        assert (listed[0].message, listed[0].by, listed[0].files) == ("the second", "tess", 2)
    else:
        assert objects_of(place) == before, "what is not published is nobody's to read"
        again = publishing.publish(course, place, Wanted(taken.id, base), by())
        assert again.number == 2
    assert Repository(place.repository).ask("fsck", "--full", "--strict").code == 0
    assert not (place.intakes / bringing.LIST).exists()


def test_the_next_publish_repairs_what_the_last_one_left(course: Store, place: Place) -> None:
    publish(course, place, {"a": b"1"})
    publish(course, place, {"a": b"2"})
    with course.deciding() as tx:
        tx.execute(sa.delete(versions.versions).where(versions.versions.c.number == 2))
    publish(course, place, {"a": b"3"})
    assert [v.number for v in course.read(versions.listed, "ds-1")] == [3, 2, 1]


def test_a_repository_that_is_older_than_its_rows_goes_on_with_new_numbers(
    course: Store, place: Place
) -> None:
    """As after a restored backup of the one and not the other."""
    first = publish(course, place, {"a": b"1"})
    second = publish(course, place, {"a": b"2"})
    Repository(place.repository).must("update-ref", MAIN, first.commit, second.commit)
    third = publish(course, place, {"a": b"3"})
    assert third.number == 3
    assert len(course.read(versions.listed, "ds-1")) == 3


def test_what_nobody_published_for_a_day_is_removed(course: Store, place: Place) -> None:
    old, new = take(place, {"a": b"1"}), take(place, {"a": b"2"})
    (place.intakes / "upload").write_bytes(b"x")
    (place.shared / ".making-1").mkdir()
    stamp = (NOW - timedelta(days=1, seconds=1)).timestamp()
    for path in (place.intake(old.id), place.intakes / "upload", place.shared / ".making-1"):
        os.utime(path, (stamp, stamp))
    young = NOW.timestamp()
    os.utime(place.intake(new.id), (young, young))
    repairing.repair(course, place, NOW)
    assert [path.name for path in place.intakes.iterdir()] == [f"{new.id}.git"]
    assert not (place.shared / ".making-1").exists()
    assert list(repairing.places(place.folder.parents[1])) == [place]


def test_many_packs_are_put_together_and_nothing_is_lost(
    course: Store, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(repairing, "MOST_PACKS", 3)
    for n in range(4):
        publish(course, place, {"a": b"%d" % n})
    waiting = take(place, {"a": b"1", "b": b"new"})
    packs = place.repository / "objects" / "pack"
    assert len(list(packs.glob("*.pack"))) == 4
    assert repairing.tidy(place)
    assert len(list(packs.glob("*.pack"))) == 1
    assert not repairing.tidy(place)
    publishing.publish(course, place, Wanted(waiting.id, main_of(place)), by())
    assert files_of(place) == {"a": b"1", "b": b"new"}
    assert Repository(place.repository).ask("fsck", "--full").code == 0
    for path in place.repository.rglob("*"):
        assert path.stat().st_mode & 0o004, path
