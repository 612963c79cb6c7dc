"""What a course's list of packages wants."""

from __future__ import annotations

import pytest

from hub.materials.publishing import undo
from hub.materials.repository import MAIN, Repository, ensure
from hub.materials.requirements import Requirements, find, read
from spawner.confinement import MOST_REQUIREMENTS_BYTES
from tests.hub.materials.test_publishing import publish
from tests.hub.materials.trees import by


def test_a_list_is_the_same_however_it_is_laid_out():
    one = read(b"a\nb==2\n")
    same = read("\ufeff# mine\r\n\r\n  a \r\nb==2".encode())
    assert one.key("image") == same.key("image")
    assert one.key("image") != one.key("another")
    assert one.key("image") != read(b"a\nb==3\n").key("image")


def test_pip_gets_the_list_as_it_was_written():
    assert read(b"a \\\r\n\r\n  # c\r\nb").text == "a \\\n\n  # c\nb"


@pytest.mark.parametrize("raw", [b"", b"\n\n", b"# nothing\n   # more\n"])
def test_a_list_that_lists_nothing_wants_nothing(raw):
    assert read(raw) is None


@pytest.mark.parametrize("raw", [b"\xff\xfe", b"a\0b"])
def test_what_is_no_text_is_told_as_a_problem(raw):
    found = read(raw)
    assert found.text == ""
    assert "requirements.txt" in found.problem
    assert found.key("image") != read(b"a").key("image")


def test_the_list_at_the_top_of_the_newest_version_counts(course, place):
    repository = ensure(place.repository)
    assert find(repository) is None
    place.intakes.mkdir(parents=True, exist_ok=True)
    publish(course, place, {"week1/requirements.txt": b"a", "lab.ipynb": b"{}"})
    assert find(repository) is None
    publish(course, place, {"requirements.txt": b"a\n"})
    assert find(repository) == Requirements("a\n")
    publish(course, place, {"requirements.txt": b"x" * (MOST_REQUIREMENTS_BYTES + 1)})
    assert "more than 64 KiB" in find(repository).problem
    undo(course, place, Repository(place.repository).commit_at(MAIN), by())
    assert find(repository) == Requirements("a\n")
    publish(course, place, {"requirements.txt/a": b"a folder"})
    assert find(repository) is None
