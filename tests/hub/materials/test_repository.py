"""Git does what it is told and nothing that anybody's settings, hooks or names tell it."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from hub.materials import repository
from hub.materials.bounded import Bounds, run
from hub.materials.repository import EMPTY_TREE, MAIN, NOTHING, Made, Repository
from spawner.errors import CarrelError, Code
from tests.hub.materials.trees import NOW

MADE = Made("tess", NOW)


@pytest.fixture
def made(tmp_path: Path) -> Repository:
    return repository.ensure(tmp_path / "srv" / "materials.git")


def test_a_repository_is_readable_for_everybody_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        made = repository.ensure(tmp_path / "srv" / "materials.git")
        made.move(MAIN, made.commit(EMPTY_TREE, [], "first", MADE), NOTHING)
    finally:
        os.umask(before)
    for path in (made.path, *made.path.rglob("*")):
        needed = 0o555 if path.is_dir() else 0o444
        assert stat.S_IMODE(path.stat().st_mode) & needed == needed, path


def test_making_it_again_changes_nothing_and_leaves_nothing(made: Repository) -> None:
    commit = made.commit(EMPTY_TREE, [], "first", MADE)
    assert made.move(MAIN, commit, NOTHING)
    assert repository.ensure(made.path).commit_at(MAIN) == commit
    assert [path.name for path in made.path.parent.iterdir()] == ["materials.git"]


def test_a_ref_moves_only_from_where_it_was_seen(made: Repository) -> None:
    one, two = (made.commit(EMPTY_TREE, [], text, MADE) for text in ("one", "two"))
    assert made.move(MAIN, one, NOTHING)
    assert not made.move(MAIN, two, NOTHING)
    assert not made.move(MAIN, one, two)
    assert made.commit_at(MAIN) == one
    assert made.move(MAIN, two, one)


def test_nobodys_settings_reach_git(
    made: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Home, environment and a hook: each would leave a mark or break the command."""
    mark = tmp_path / "mark"
    home = tmp_path / "home"
    home.mkdir()
    (home / ".gitconfig").write_text("[core]\n\trepositoryFormatVersion = 99\n[log\n")
    hook = made.path / "hooks" / "reference-transaction"
    hook.parent.mkdir()
    hook.write_text(f"#!/bin/sh\ntouch {mark}\n")
    hook.chmod(0o755)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("GIT_DIR", str(home))
    monkeypatch.setenv("GIT_OBJECT_DIRECTORY", str(home))
    monkeypatch.setenv("GIT_CONFIG_COUNT", "broken")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(home / ".gitconfig"))
    commit = made.commit(EMPTY_TREE, [], "first", MADE)
    assert made.move(MAIN, commit, NOTHING)
    assert made.commit_at(MAIN) == commit
    assert not mark.exists()


@pytest.mark.parametrize("where", ["ext::sh -c touch% {mark}", "file://{other}", "{other}"])
def test_git_fetches_from_nowhere(made: Repository, tmp_path: Path, where: str) -> None:
    other = repository.ensure(tmp_path / "other.git")
    other.move(MAIN, other.commit(EMPTY_TREE, [], "theirs", MADE), NOTHING)
    address = where.format(mark=tmp_path / "mark", other=other.path)
    done = made.ask("fetch", "--", address, MAIN)
    assert done.code != 0
    assert "not allowed" in done.errors
    assert not (tmp_path / "mark").exists()


@pytest.mark.parametrize("name", ["--help", "--all", "-h", "main; touch x", "a\nb", "@{-1}", ""])
def test_a_name_is_never_an_option(made: Repository, name: str) -> None:
    made.move(MAIN, made.commit(EMPTY_TREE, [], "first", MADE), NOTHING)
    assert made.commit_at(name) is None


def test_a_broken_repository_is_a_sentence_without_paths(tmp_path: Path) -> None:
    with pytest.raises(CarrelError) as caught:
        Repository(tmp_path / "none.git").must("rev-list", "--all")
    assert caught.value.code is Code.FAILED
    assert str(tmp_path) not in str(caught.value)
    assert "not a git repository" in str(caught.value.__cause__)


def test_a_program_ends_with_its_time() -> None:
    done = run(["sh", "-c", "echo a; sleep 60 & sleep 60"], os.environ, b"", Bounds(time_s=0.3))
    assert (done.code, done.output) == (None, b"a\n")


def test_a_program_ends_with_its_output() -> None:
    done = run(["yes"], os.environ, b"", Bounds(output_bytes=1000))
    assert (done.code, len(done.output)) == (None, 1000)


def test_a_program_that_closes_its_output_is_not_waited_for_ever() -> None:
    done = run(["sh", "-c", "exec >&- 2>&-; sleep 60"], os.environ, b"", Bounds(time_s=0.3))
    assert done.code is None


def test_errors_are_kept_in_part() -> None:
    done = run(["sh", "-c", "yes no | head -c 3000000 >&2; exit 3"], os.environ, b"", Bounds())
    assert done.code == 3
    assert len(done.errors) == 64 * 1024
