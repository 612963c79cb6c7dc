"""A home as a tar: read back by two readers, whatever is in it and whatever happens meanwhile."""

from __future__ import annotations

import errno
import fcntl
import io
import os
import signal
import stat
import subprocess
import tarfile

import pytest

from spawner.node import archive as module
from spawner.node.archive import archive
from spawner.node.trees import Pace, Why
from tests.spawner.node.hostile import deep, hostile


@pytest.fixture
def home(tmp_path):
    path = tmp_path / "ann"
    path.mkdir()
    yield path
    # pytest's own cleaning recurses, and these trees are deep.
    subprocess.run(["rm", "-rf", *tmp_path.iterdir()], check=True)


@pytest.fixture
def outside(tmp_path):
    path = tmp_path / "outside"
    path.mkdir()
    (path / "theirs").write_text("their secret")
    return path


def pieces(home):
    fd = os.open(home, os.O_RDONLY)
    try:
        yield from archive(fd, Pace())
    finally:
        os.close(fd)


def read(raw: bytes) -> dict[str, tarfile.TarInfo]:
    with tarfile.open(fileobj=io.BytesIO(raw + bytes(1024))) as tar:
        return {member.name: member for member in tar.getmembers()}


def content(raw: bytes, name: str) -> bytes:
    with tarfile.open(fileobj=io.BytesIO(raw + bytes(1024))) as tar:
        return tar.extractfile(name).read()


def left_out(raw: bytes) -> str:
    return content(raw, "home-left-out.txt").decode()


def test_a_hostile_home_comes_back_as_it_was(home, outside, tmp_path):
    hostile(home, outside)
    raw = b"".join(pieces(home))
    there = tmp_path / "there"
    there.mkdir()

    assert len(raw) < 2**23, "the sparse file takes what it holds"
    assert len(raw) % 512 == 0
    done = subprocess.run(
        ["tar", "-x", "-C", there], input=raw + bytes(1024), capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr
    back = there / "home"
    assert (back / "note.txt").read_text() == "mine"
    assert str((back / "etc").readlink()) == "/etc"
    assert (back / "secret").readlink() == outside
    assert stat.S_IMODE((back / "su").stat().st_mode) == 0o755
    assert (back / os.fsdecode(b"caf\xe9")).read_text() == "latin"
    assert (back / "one\nline").read_text() == "two"
    assert (back / ("n" * 255)).read_text() == "long"
    assert (back / "closed").is_dir()
    assert (back / "first").read_bytes() == (back / "second").read_bytes() == b"x" * 8192
    assert (back / "sparse").stat().st_size == 2**40
    with (back / "sparse").open("rb") as sparse:
        sparse.seek(2**39 - 5)
        assert sparse.read(20) == bytes(5) + b"in the middle" + bytes(2)
    end = subprocess.run(["find", back, "-name", "end"], capture_output=True, check=True)
    assert end.stdout.count(b"/d") == 2000
    assert b"their secret" not in raw
    said = left_out(raw)
    assert "'home/fifo': it is no file" in said
    assert "'home/socket': it is no file" in said
    assert len(said.splitlines()) == 2


def test_pythons_reader_understands_it_too(home, outside):
    hostile(home, outside)
    raw = b"".join(pieces(home))
    found = read(raw)

    assert found["home"].isdir()
    assert found["home/secret"].issym()
    assert found["home/sparse"].size == 2**40
    assert found["home/" + os.fsdecode(b"caf\xe9")].size == 5
    assert {(m.uid, m.gid, m.uname, m.gname) for m in found.values()} == {(0, 0, "", "")}
    assert not any(name.startswith("/") or ".." in name.split("/") for name in found)


def test_an_empty_home_is_a_folder_and_no_more(home):
    assert list(read(b"".join(pieces(home)))) == ["home"]


@pytest.mark.parametrize("size", [0, 1, 511, 512, 513, module.PIECE_BYTES, 3 * 2**20 + 7])
def test_a_file_of_any_size_is_whole(home, size):
    (home / "file").write_bytes(os.urandom(size))
    (home / "zz").write_text("after")

    raw = b"".join(pieces(home))

    assert content(raw, "home/file") == (home / "file").read_bytes()
    assert content(raw, "home/zz") == b"after"


def test_pieces_are_neither_tiny_nor_huge(home):
    for n in range(3000):
        (home / f"{n}").write_bytes(b"x" * 100)
    sizes = [len(piece) for piece in pieces(home)]

    assert all(module.PIECE_BYTES <= size < 2 * module.PIECE_BYTES for size in sizes[:-1])
    assert sum(sizes) == 512 + 3000 * 1024


@pytest.mark.parametrize("change", [lambda f: os.truncate(f, 10), lambda f: os.truncate(f, 2**24)])
def test_a_file_that_changes_its_size_keeps_the_one_it_was_announced_with(home, change):
    (home / "file").write_bytes(b"x" * 2**22)
    coming = pieces(home)
    raw = next(coming)
    change(home / "file")

    raw += b"".join(coming)

    found = read(raw)["home/file"]
    assert found.size == 2**22
    assert len(content(raw, "home/file")) == 2**22
    assert len(raw) % 512 == 0


@pytest.mark.parametrize("kind", ["symlink", "fifo", "folder", "nothing"])
def test_a_file_swapped_while_it_is_read_never_leads_out_and_never_blocks(
    home, outside, monkeypatch, kind
):
    """In the one moment that counts: after it was looked at, before it is opened."""
    (home / "file").write_text("mine")
    swap = {
        "symlink": lambda path: path.symlink_to(outside / "theirs"),
        "fifo": os.mkfifo,
        "folder": lambda path: path.mkdir(),
        "nothing": lambda path: None,
    }
    real = os.open

    def swapping(path, flags, *more, **where):
        if path == "file":
            (home / "file").unlink()
            swap[kind](home / "file")
        return real(path, flags, *more, **where)

    monkeypatch.setattr(os, "open", swapping)
    raw = b"".join(pieces(home))

    assert b"their secret" not in raw
    assert "home/file" not in read(raw)
    if kind != "nothing":
        assert left_out(raw) == f"'home/file': {Why.CHANGED.value}\n"


def test_a_link_swapped_for_a_file_is_left_out_and_said(home, monkeypatch):
    (home / "link").symlink_to("x")

    def swapped(_path, **_where):
        raise OSError(errno.EINVAL, "Invalid argument")

    monkeypatch.setattr(os, "readlink", swapped)
    assert "'home/link': it was changed" in left_out(b"".join(pieces(home)))


def test_what_no_path_can_name_is_left_out_and_said(home):
    deep(home, 40, "n" * 200)
    raw = b"".join(pieces(home))

    assert "its path is too long" in left_out(raw)
    assert max(len(name) for name in read(raw)) <= module.MOST_PATH_BYTES


def test_a_file_with_too_many_holes_is_left_out_and_said(home, monkeypatch):
    monkeypatch.setattr(module, "MOST_SEGMENTS", 3)
    with (home / "holes").open("wb") as file:
        for n in range(10):
            file.seek(n * 2**20)
            file.write(b"x")

    raw = b"".join(pieces(home))

    assert "'home/holes': it has too many holes" in left_out(raw)
    assert "home/holes" not in read(raw)


def test_the_list_of_what_is_left_out_is_bounded(home, monkeypatch):
    monkeypatch.setattr(module, "MOST_LINES", 3)
    for n in range(10):
        os.mkfifo(home / f"{n}")

    said = left_out(b"".join(pieces(home)))

    assert said.endswith("and 7 more\n")
    assert len(said.splitlines()) == 4


def test_a_file_that_breaks_midway_is_filled_and_said(home, monkeypatch):
    (home / "file").write_bytes(b"x" * 2**20)
    real = os.pread

    def failing(fd: int, size: int, at: int) -> bytes:
        if at:
            raise OSError(5, "Input/output error")
        return real(fd, size, at)

    monkeypatch.setattr(os, "pread", failing)
    raw = b"".join(pieces(home))

    assert len(content(raw, "home/file")) == 2**20
    assert "'home/file': it could not be read to its end" in left_out(raw)


def test_a_file_of_many_names_is_sent_once(home, tmp_path):
    """Else a megabyte with ten thousand names fills the disk of whoever unpacks or keeps it."""
    (home / "big").write_bytes(b"x" * 2**20)
    with (home / "holes").open("wb") as sparse:
        sparse.truncate(2**30)
        sparse.write(b"y" * 2**16)
    for n in range(100):
        os.link(home / "big", home / f"big{n}")
        os.link(home / "holes", home / f"holes{n}")
    raw = b"".join(pieces(home))
    assert len(raw) < 2**21
    there = tmp_path / "there"
    there.mkdir()
    subprocess.run(["tar", "-x", "-C", there], input=raw + bytes(1024), check=True)
    assert (there / "home" / "big7").read_bytes() == b"x" * 2**20
    assert (there / "home" / "holes7").stat().st_size == 2**30
    assert (there / "home" / "holes7").stat().st_nlink == 101
    assert content(raw, "home/big7") == content(raw, "home/big") == b"x" * 2**20


def test_files_of_several_names_beyond_bounds_are_named_and_left_out(home, monkeypatch):
    monkeypatch.setattr(module, "MOST_LINKED_BYTES", 20)
    for n in range(3):
        (home / f"file{n}").write_text("x")
        os.link(home / f"file{n}", home / f"file{n}b")
    raw = b"".join(pieces(home))
    names = [name for name in read(raw) if name.startswith("home/file")]
    assert len(names) + left_out(raw).count("several names") == 6 and names


def test_a_file_that_its_session_holds_a_lease_on_ends_no_archive(home):
    (home / "leased").write_text("x")
    (home / "note").write_text("mine")
    fd = os.open(home / "leased", os.O_RDWR)
    fcntl.fcntl(fd, fcntl.F_SETLEASE, fcntl.F_WRLCK)
    before = signal.signal(signal.SIGIO, signal.SIG_IGN)  # how its holder is told
    try:
        raw = b"".join(pieces(home))
    finally:
        os.close(fd)
        signal.signal(signal.SIGIO, before)
    assert content(raw, "home/note") == b"mine"
    assert "'home/leased'" in left_out(raw)
