"""A student's copy of a course: taken and updated with real git, nothing of theirs is eaten."""

from __future__ import annotations

import gc
import json
import os
import subprocess
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from carrel_session import copying, puller
from carrel_session.copying import Course
from carrel_session.errors import Code, SessionError
from carrel_session.report import Fate, Report

from tests.images.teacher import Teacher, git

# nbgitpuller leaves the pipes of its git to the garbage collector.
pytestmark = [
    pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
NOW = datetime(2026, 10, 5, 9, tzinfo=UTC)
LINES = "".join(f"line {number}\n" for number in range(40))


@pytest.fixture(autouse=True)
def collect_pipes() -> Iterator[None]:
    yield
    gc.collect()


@pytest.fixture
def course(tmp_path: Path) -> Course:
    return Course("ml", tmp_path / "ml" / "materials.git", tmp_path / "home" / "courses" / "ml")


@pytest.fixture
def teacher(course: Course) -> Teacher:
    return Teacher(course.repository)


def update(course: Course) -> Report:
    return copying.update(course, NOW, lambda _line: None)


def fates(report: Report) -> dict[str, Fate]:
    return {file.name: file.fate for file in report.files}


def contents(course: Course) -> dict[str, str]:
    return {
        str(path.relative_to(course.folder)): path.read_text()
        for path in course.folder.rglob("*")
        if path.is_file() and ".git" not in path.relative_to(course.folder).parts
    }


def test_the_first_time_everything_is_new(course: Course, teacher: Teacher) -> None:
    names = ("lab.ipynb", "week 1/ä ß.txt", '"quoted".txt', "b\\s.txt", " space ", "-f")
    commit = teacher.publish({name: name for name in names})
    report = update(course)
    assert report.first and report.commit == commit and not report.news
    assert fates(report) == dict.fromkeys(names, Fate.NEW)
    assert contents(course) == {name: name for name in names}


def test_an_unchanged_version_changes_nothing(course: Course, teacher: Teacher) -> None:
    teacher.publish(a="1")
    update(course)
    (course.folder / "mine.txt").write_text("mine")
    report = update(course)
    assert not report.first and fates(report) == {"a": Fate.UP_TO_DATE}
    assert contents(course) == {"a": "1", "mine.txt": "mine"}


def test_a_new_version_comes_and_edits_stay(course: Course, teacher: Teacher) -> None:
    teacher.publish(same="1", edited=LINES, both=LINES, clash="old\n", gone="1", kept="1\n")
    update(course)
    both = LINES.replace("line 3\n", "mine 3\n")
    for name, text in {"edited": "mine", "both": both, "clash": "mine\n", "kept": "mine\n"}.items():
        (course.folder / name).write_text(text)
    (course.folder / "fresh").write_text("my own")
    teacher.publish(
        without=("gone", "kept"), same="2", both=LINES.replace("line 30\n", "theirs 30\n"),
        clash="theirs\n", fresh="theirs", more="theirs",
    )  # fmt: skip
    report = update(course)
    assert fates(report) == {
        "same": Fate.UPDATED, "edited": Fate.EDITED, "both": Fate.MERGED, "clash": Fate.KEPT,
        "gone": Fate.REMOVED, "kept": Fate.REMOVED_KEPT, "fresh": Fate.SET_ASIDE, "more": Fate.NEW,
    }  # fmt: skip
    aside = next(file.saved_as for file in report.files if file.name == "fresh")
    assert contents(course) == {
        "same": "2", "edited": "mine", "both": both.replace("line 30\n", "theirs 30\n"),
        "clash": "mine\n", "kept": "mine\n", "fresh": "theirs", aside: "my own", "more": "theirs",
    }  # fmt: skip
    assert {file.name for file in report.news} == {"both", "clash", "kept", "fresh"}


def test_news_is_told_once(course: Course, teacher: Teacher) -> None:
    teacher.publish(a="1\n", b="1\n")
    update(course)
    (course.folder / "a").write_text("mine\n")
    (course.folder / "b").write_text("mine\n")
    teacher.publish(without=("b",), a="2\n")
    assert update(course).news
    again = update(course)
    assert not again.news and fates(again) == {"a": Fate.EDITED}
    assert contents(course) == {"a": "mine\n", "b": "mine\n"}


def test_a_deleted_file_comes_back_as_the_teacher_has_it_now(
    course: Course, teacher: Teacher
) -> None:
    teacher.publish(a="1", b="1")
    update(course)
    (course.folder / "a").unlink()
    (course.folder / "b").unlink()
    teacher.publish(without=("b",), a="2")
    assert fates(update(course)) == {"a": Fate.RESTORED}
    assert contents(course) == {"a": "2"}


def test_a_renamed_file_never_lands_on_one_of_the_student(course: Course, teacher: Teacher) -> None:
    """git's reader of people calls it a rename, not a new file: nbgitpuller alone would fail."""
    teacher.publish(lab1=LINES)
    update(course)
    (course.folder / "lab2").write_text("mine")
    teacher.publish(without=("lab1",), lab2=LINES)
    report = update(course)
    assert fates(report)["lab2"] is Fate.SET_ASIDE
    assert sorted(contents(course).values()) == sorted([LINES, "mine"])


@pytest.mark.parametrize("name", ["é.txt", 'a "b".txt', "b\\s.txt", "week/1.txt"])
def test_a_name_of_any_kind_makes_room(course: Course, teacher: Teacher, name: str) -> None:
    teacher.publish(a="1")
    update(course)
    (course.folder / name).parent.mkdir(exist_ok=True)
    (course.folder / name).write_text("mine")
    teacher.publish({name: "theirs"})
    assert fates(update(course))[name] is Fate.SET_ASIDE
    assert sorted(contents(course).values()) == ["1", "mine", "theirs"]


def test_a_file_where_a_folder_comes_makes_room(course: Course, teacher: Teacher) -> None:
    teacher.publish(a="1")
    update(course)
    (course.folder / "week1").write_text("mine")
    teacher.publish({"week1/lab": "theirs"})
    assert fates(update(course))["week1/lab"] is Fate.SET_ASIDE
    assert sorted(contents(course).values()) == ["1", "mine", "theirs"]


def test_a_dangling_link_makes_room(course: Course, teacher: Teacher, tmp_path: Path) -> None:
    teacher.publish(a="1")
    update(course)
    (course.folder / "b").symlink_to(tmp_path / "elsewhere")
    teacher.publish(b="theirs")
    update(course)
    assert (course.folder / "b").read_text() == "theirs" and not (tmp_path / "elsewhere").exists()


def test_a_folder_that_holds_the_data_already_is_filled(course: Course, teacher: Teacher) -> None:
    teacher.publish(a="1", b="theirs", c="same")
    data = course.folder / "data"
    data.mkdir(parents=True)
    (data / "big.csv").write_text("x")
    (course.folder / "b").write_text("mine")
    (course.folder / "c").write_text("same")
    report = update(course)
    assert fates(report) == {"a": Fate.NEW, "b": Fate.SET_ASIDE, "c": Fate.UP_TO_DATE}
    assert sorted(contents(course).values()) == ["1", "mine", "same", "theirs", "x"]
    assert git(course.folder, "status", "--porcelain").count("data") == 0


def test_a_take_that_was_cut_off_is_gone_on_with(course: Course, teacher: Teacher) -> None:
    teacher.publish(a="1", b="2")
    update(course)
    for left in (".git/index", "a"):
        (course.folder / left).unlink()
    (course.folder / ".git.new").mkdir()
    assert fates(update(course)) == {"a": Fate.RESTORED, "b": Fate.UP_TO_DATE}
    assert contents(course) == {"a": "1", "b": "2"}


def test_two_edits_that_make_no_notebook_together_leave_the_students(
    course: Course, teacher: Teacher
) -> None:
    old = json.dumps({"cells": ["a", "b", "c", "d", "e", "f", "g", "h"], "nbformat": 4}, indent=1)
    teacher.publish({"lab.ipynb": old})
    update(course)
    mine = old.replace('  "h"\n', '  "h",\n  "mine"\n')
    (course.folder / "lab.ipynb").write_text(mine)
    # As git merges: each change is fine alone, and apart from the other.
    theirs = old.replace('{\n "cells"', '{\n "metadata": {},,\n "cells"')
    teacher.publish({"lab.ipynb": theirs})
    report = update(course)
    assert fates(report) == {"lab.ipynb": Fate.KEPT}
    assert contents(course) == {"lab.ipynb": mine}
    assert not update(course).news


def test_the_copy_holds_no_second_copy_of_the_versions(course: Course, teacher: Teacher) -> None:
    teacher.publish(a="x" * 1000)
    update(course)
    objects = course.folder / ".git" / "objects"
    assert not [
        path for path in objects.rglob("*") if path.is_file() and path.parent.name != "info"
    ]


@pytest.mark.root
def test_a_repository_of_somebody_elses_is_read(
    course: Course, teacher: Teacher, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    teacher.publish(a="1")
    subprocess.run(["chown", "-R", "4711", course.repository], check=True)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    with pytest.raises(SessionError) as found:
        update(course)
    assert found.value.code is Code.UNAVAILABLE and not course.is_taken
    config = tmp_path / "gitconfig"
    config.write_text("[safe]\n\tdirectory = *\n")
    monkeypatch.setenv("GIT_CONFIG_SYSTEM", str(config))
    assert fates(update(course)) == {"a": Fate.NEW}


def test_a_full_home_says_so_before_a_file_is_touched(
    course: Course, teacher: Teacher, monkeypatch: pytest.MonkeyPatch
) -> None:
    teacher.publish(a="1")
    update(course)
    (course.folder / "a").write_text("mine")
    teacher.publish(a="2", b="2")
    monkeypatch.setattr(puller, "MARGIN_BYTES", 2**60)
    with pytest.raises(SessionError) as found:
        update(course)
    assert found.value.code is Code.NO_ROOM and contents(course) == {"a": "mine"}


@pytest.mark.root
def test_a_full_disk_leaves_no_half_a_file(
    course: Course, teacher: Teacher, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = tmp_path / "small"
    small.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", small], check=True)
    try:
        monkeypatch.setattr(puller, "MARGIN_BYTES", -(2**40))
        teacher.publish({"a": "a" * 1_000_000, "b": "b" * 1_500_000})
        on_it = Course("ml", course.repository, small / "ml")
        with pytest.raises(SessionError) as found:
            update(on_it)
        assert found.value.code is Code.NO_ROOM
        assert all(len(text) in (1_000_000, 1_500_000) for text in contents(on_it).values())
        subprocess.run(["mount", "-o", "remount,size=20m", small], check=True)
        assert set(fates(update(on_it)).values()) <= {Fate.NEW, Fate.RESTORED, Fate.UP_TO_DATE}
        assert {name: len(text) for name, text in contents(on_it).items()} == {
            "a": 1_000_000, "b": 1_500_000,
        }  # fmt: skip
    finally:
        subprocess.run(["umount", small], check=True)


def test_a_lock_of_another_git_is_waited_for_and_an_old_one_removed(
    course: Course, teacher: Teacher
) -> None:
    teacher.publish(a="1")
    update(course)
    teacher.publish(a="2")
    lock = course.folder / ".git" / "index.lock"
    lock.touch()
    os.utime(lock, (time.time() + 5, time.time() + 5))
    with pytest.raises(SessionError) as found:
        update(course)
    assert found.value.code is Code.UNAVAILABLE and contents(course) == {"a": "1"}
    os.utime(lock, (1, 1))
    assert fates(update(course)) == {"a": Fate.UPDATED}


def test_a_merge_that_fails_leaves_the_copy_as_it_was(course: Course, teacher: Teacher) -> None:
    teacher.publish(a=LINES, b="1\n")
    update(course)
    git(course.folder, "mv", "a", "mine")
    (course.folder / "mine").write_text(LINES + "mine\n")
    git(course.folder, "commit", "-qam", "moved")
    teacher.publish(without=("a",), theirs=LINES)
    with pytest.raises(SessionError) as found:
        update(course)
    assert found.value.code is Code.CONFLICT
    assert contents(course) == {"mine": LINES + "mine\n", "b": "1\n"}
    assert not (course.folder / ".git" / "MERGE_HEAD").exists()


def test_what_is_not_there_is_said(course: Course) -> None:
    with pytest.raises(
        SessionError, match=r"not in this session.* stop it and start it again"
    ) as no:
        update(course)
    assert no.value.code is Code.NOT_FOUND
    course.repository.parent.mkdir()
    with pytest.raises(SessionError, match=r"Nothing has been published .* Come back later") as no:
        update(course)
    assert no.value.code is Code.NOT_FOUND
    Teacher(course.repository)
    with pytest.raises(SessionError, match="Nothing has been published"):
        update(course)
    assert not course.folder.exists()


def test_the_data_folder_is_seen_in_the_copy_and_disturbs_no_update(
    course: Course, teacher: Teacher
) -> None:
    (course.repository.parent / "data").mkdir()
    (course.repository.parent / "data" / "big.csv").write_text("1,2")
    teacher.publish({"a.txt": "1"})
    update(course)
    copying.link_data(course)
    copying.link_data(course)
    assert (course.folder / "data" / "big.csv").read_text() == "1,2"
    teacher.publish({"a.txt": "2"})
    update(course)
    assert (course.folder / "a.txt").read_text() == "2"
    assert (course.folder / "data").is_symlink()


def test_what_a_student_has_in_its_place_stays(course: Course, teacher: Teacher) -> None:
    (course.repository.parent / "data").mkdir()
    teacher.publish({"a.txt": "1"})
    update(course)
    (course.folder / "data").write_text("mine")
    copying.link_data(course)
    assert (course.folder / "data").read_text() == "mine"
