"""A layer on disk: nothing but what it may be, whole or absent, and the file that names it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tarfile
import time
from pathlib import Path

import pytest

from hub.materials import folder, layer_files
from hub.materials.members import Limits, Member
from spawner.errors import CarrelError, Code
from tests.hub.materials.trees import END, endless, header, padded, reading, tar

ROOT = Path(__file__).resolve().parents[3]
ID = "0123456789ab"
RESULT = json.dumps({"python": "3.13", "packages": ["b==2", "A==1", "x; rm -rf", 7]}).encode()
GOOD = {
    "log/1": b"",
    "log/2": b"Collecting a\n",
    "result": RESULT,
    "layer/lib/python3.13/site-packages/a/__init__.py": b"x = 1",
    "layer/bin/tool": b"#!/bin/sh",
}


@pytest.fixture
def packages(place):
    place.shared.mkdir(parents=True)
    return place.packages


def take(place, data, hear=lambda _: None):
    return layer_files.take(place, ID, reading(data), hear)


def files_of(path):
    return {str(p.relative_to(path)): p.read_bytes() for p in path.rglob("*") if p.is_file()}


def test_a_build_that_worked_lies_there_for_all_to_read(place, packages):
    heard = []
    old = os.umask(0o077)
    try:
        taken = take(place, tar(GOOD), heard.append)
    finally:
        os.umask(old)
    assert taken.packages == ("A==1", "b==2")
    assert (taken.written.files, taken.written.size_bytes) == (2, 14)
    assert b"".join(heard) == b"Collecting a\n"
    assert files_of(packages / ID) == {
        "lib/python3.13/site-packages/a/__init__.py": b"x = 1",
        "bin/tool": b"#!/bin/sh",
    }
    assert [path.name for path in packages.iterdir()] == [ID]
    for path in (packages, packages / ID, *(packages / ID).rglob("*")):
        assert path.stat().st_mode & 0o7777 == (0o755 if path.is_dir() else 0o644), path


def test_what_can_be_run_stays_so_and_nothing_more(place, packages):
    take(place, tar({"result": RESULT, "layer/bin/tool": b"x"}, mode=0o6777))
    assert (packages / ID / "bin" / "tool").stat().st_mode & 0o7777 == 0o755


def test_a_build_that_brings_nothing_is_a_layer_too(place, packages):
    assert take(place, tar({"result": b'{"packages": []}'})).packages == ()
    assert layer_files.is_there(place, ID)


def layer(name, kind=tarfile.REGTYPE, **more):
    return header("result", len(RESULT)) + padded(RESULT) + header(name, 0, kind, **more)


LIB = "layer/lib/"
HOSTILE = {
    "cut short": tar(GOOD)[:3000],
    "nothing": b"",
    "no end of a result": END,
    "a layer before its result": tar({"layer/lib/a": b"x"}),
    "two results": layer("result") + END,
    "a result that is none": tar({"result": b"[]"}),
    "a result that lists no packages": tar({"result": b'{"packages": 7}'}),
    "a result of braces": tar({"result": b"[" * 100_000}),
    "an endless result": tar({"result": b" " * (layer_files.MOST_RESULT_BYTES + 1)}),
    "another member": tar({"result": RESULT, "etc/passwd": b"x"}),
    "another top": tar({"result": RESULT, "layer/etc/passwd": b"x"}),
    "a way out": tar({"result": RESULT, LIB + "../../../x": b"x"}),
    "a way out at once": tar({"result": RESULT, "layer/../x": b"x"}),
    "an absolute path": tar({"result": RESULT, "layer//etc/passwd": b"x"}),
    "the folder itself": tar({"result": RESULT, "layer/lib": b"x", "layer/lib/a": b"x"}),
    "the same twice": layer(LIB + "a") + header(LIB + "a") + END,
    "a link": layer(LIB + "link", tarfile.SYMTYPE) + END,
    "a second name": layer(LIB + "link", tarfile.LNKTYPE) + END,
    "a pipe": layer(LIB + "pipe", tarfile.FIFOTYPE) + END,
    "a device": layer(LIB + "sda", tarfile.BLKTYPE) + END,
    "a name that is not UTF-8": layer(LIB + "\udcff") + END,
    "a long name": tar({"result": RESULT, LIB + "x" * 256: b"x"}),
    "a deep path": tar({"result": RESULT, LIB + "x/" * 70 + "x": b"x"}),
}


@pytest.mark.parametrize("data", HOSTILE.values(), ids=HOSTILE)
def test_an_output_that_is_none_is_refused_and_leaves_nothing(place, packages, tmp_path, data):
    with pytest.raises(CarrelError) as caught:
        take(place, data)
    assert caught.value.code in (Code.BAD_INPUT, Code.REFUSED)
    assert list(packages.iterdir()) == []
    assert sorted(p.name for p in tmp_path.rglob("*") if p.is_file()) == []


def test_what_the_build_says_of_its_failure_is_made_harmless(place, packages):
    told = json.dumps({"problem": "no \x1b[31mway\n" + "x" * 900}).encode()
    with pytest.raises(CarrelError) as caught:
        take(place, tar({"log/1": b"said", "result": told}))
    assert caught.value.code is Code.REFUSED
    assert caught.value.message.startswith("no [31mwayxxx")
    assert len(caught.value.message) <= 500
    assert list(packages.iterdir()) == []


@pytest.mark.parametrize(
    ("limits", "files"),
    [
        (Limits(files=3), {f"lib/{n}": b"" for n in range(4)}),
        (Limits(files=3), {"lib/a/b/c/d": b""}),
        (Limits(all_bytes=10), {"lib/a": b"123456", "lib/b": b"123456"}),
    ],
)
def test_too_many_files_folders_or_bytes_leave_nothing(place, packages, monkeypatch, limits, files):
    monkeypatch.setattr(layer_files, "LIMITS", limits)
    data = tar({"result": RESULT} | {f"layer/{path}": data for path, data in files.items()})
    with pytest.raises(CarrelError, match="more than"):
        take(place, data)
    assert list(packages.iterdir()) == []


def test_a_disk_that_is_nearly_full_takes_no_layer(place, packages, monkeypatch):
    monkeypatch.setattr(folder, "FREE_BYTES", 2**60)
    with pytest.raises(CarrelError, match="nearly full"):
        take(place, tar(GOOD))
    assert list(packages.iterdir()) == []


def test_a_name_with_a_nul_is_refused(packages):
    member = Member("x", 0o644, 0, lambda: iter(()))
    with folder.NewFolder(packages / ID, Limits()) as new, pytest.raises(CarrelError):
        new.add("lib/a\0b", member)


def test_a_log_without_end_ends(place, packages, monkeypatch):
    monkeypatch.setattr(layer_files, "LIMITS", Limits(entries=50))
    with pytest.raises(CarrelError, match="more than 50 entries"):
        layer_files.take(place, ID, endless(b"", header("log/1")), lambda _: None)


def test_the_file_that_names_the_layer_is_replaced_whole(place, packages):
    take(place, tar(GOOD))
    current = packages / "current"
    for _ in range(2):
        layer_files.use(place, ID)
        assert current.read_text() == f"{ID}\n"
        assert current.stat().st_mode & 0o777 == 0o644
    layer_files.use(place, None)
    layer_files.use(place, None)
    assert [path.name for path in packages.iterdir()] == [ID]


def test_what_nobody_uses_is_cleared_away_and_what_is_young_stays(place, packages, tmp_path):
    packages.mkdir()
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "file").write_text("stays")
    for name in ("kept", "kept.part", "old", "old.part", "young"):
        (packages / name / "lib").mkdir(parents=True)
    (packages / "link").symlink_to(outside)
    (packages / "current").write_text("kept\n")
    past = time.time() - 2 * layer_files.YOUNG_S
    for path in packages.iterdir():
        if path.name != "young":
            os.utime(path, (past, past), follow_symlinks=False)
    layer_files.tidy(place, ["kept"])
    assert sorted(p.name for p in packages.iterdir()) == ["current", "kept", "kept.part", "young"]
    assert (outside / "file").read_text() == "stays"


TAKE = """
import os, signal, sys
from pathlib import Path
from hub.materials import folder, layer_files, places
from tests.hub.materials.test_layer_files import GOOD, ID
from tests.hub.materials.trees import reading, tar
data_dir, name, when = sys.argv[1:]
place = places.of(Path(data_dir), "ds-1")
owner, attribute = {"add": (folder.NewFolder, "add"), "sync": (folder.os, "sync"),
                    "rename": (Path, "rename"), "fsync": (folder, "sync")}[name]
original = getattr(owner, attribute)
def killed(*args, **kwargs):
    if when == "before":
        os.kill(os.getpid(), signal.SIGKILL)
    original(*args, **kwargs)
    os.kill(os.getpid(), signal.SIGKILL)
setattr(owner, attribute, killed)
layer_files.take(place, ID, reading(tar(GOOD)), lambda _: None)
"""


@pytest.mark.parametrize(
    ("step", "when", "there"),
    [
        ("add", "before", False),
        ("add", "after", False),
        ("sync", "after", False),
        ("rename", "before", False),
        ("rename", "after", True),
        ("fsync", "after", True),
    ],
)
def test_killed_at_any_step_it_is_whole_or_absent(place, packages, step, when, there):
    data_dir = str(place.folder.parents[1])
    ended = subprocess.run(
        [sys.executable, "-c", TAKE, data_dir, step, when],
        cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, check=False,
    )  # fmt: skip
    assert ended.returncode == -signal.SIGKILL
    assert layer_files.is_there(place, ID) is there
    if there:
        assert len(files_of(packages / ID)) == 2
    take(place, tar(GOOD))
    assert len(files_of(packages / ID)) == 2
    assert [path.name for path in packages.iterdir()] == [ID]


def test_a_link_in_its_place_is_not_followed(place, packages, tmp_path):
    """Nobody but the hub writes here; still, nothing is written or removed through a link."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "file").write_text("stays")
    packages.mkdir()
    (packages / f"{ID}.part").symlink_to(outside)
    (packages / ID).symlink_to(outside)
    take(place, tar(GOOD))
    assert [path.name for path in outside.iterdir()] == ["file"]
    assert not (packages / ID).is_symlink()
