"""Homes on a real file system: made once, and refused where something else stands in the place."""

from __future__ import annotations

import errno
import os
import stat
import threading

import pytest

from spawner.errors import CarrelError, Code
from spawner.node.homes import ensure_home, open_beneath
from spawner.node.layout import ensure_layout

UID = os.geteuid()


@pytest.fixture
def homes(config):
    ensure_layout(config)
    return config.homes


def test_a_home_is_made_for_the_sessions_root_alone(homes):
    ensure_home(homes, "ann", UID)

    found = (homes / "ann").lstat()
    assert stat.S_ISDIR(found.st_mode)
    assert (stat.S_IMODE(found.st_mode), found.st_uid) == (0o700, UID)


def test_an_old_home_keeps_its_files_and_is_closed_again(homes):
    (homes / "ann").mkdir()
    (homes / "ann").chmod(0o777)
    (homes / "ann/notebook.ipynb").write_text("{}")

    ensure_home(homes, "ann", UID)

    assert (homes / "ann/notebook.ipynb").read_text() == "{}"
    assert stat.S_IMODE((homes / "ann").stat().st_mode) == 0o700


def test_a_symlink_in_a_homes_place_is_refused_and_its_target_untouched(homes, tmp_path):
    tmp_path.chmod(0o755)
    (homes / "ann").symlink_to(tmp_path)

    with pytest.raises(CarrelError, match="homes/ann is not a folder") as caught:
        ensure_home(homes, "ann", UID)

    assert caught.value.code is Code.REFUSED
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o755


@pytest.mark.parametrize("make", [os.mkfifo, lambda p: p.write_text("x")])
def test_a_fifo_or_a_file_is_refused_without_waiting_for_it(homes, make):
    make(homes / "ann")

    with pytest.raises(CarrelError, match="homes/ann is not a folder"):
        ensure_home(homes, "ann", UID)


@pytest.mark.parametrize("name", ["../secrets", "ann/../../secrets", "/etc", ".."])
def test_a_way_out_of_homes_is_refused(homes, name):
    (homes / "ann").mkdir()

    with pytest.raises(CarrelError) as caught:
        ensure_home(homes, name, UID)

    assert caught.value.code is Code.REFUSED


def test_a_symlink_on_the_way_is_refused_by_the_kernel(homes):
    """Even one that stays inside: what it names could change in the next moment."""
    (homes / "real/deep").mkdir(parents=True)
    (homes / "link").symlink_to("real")
    fd = os.open(homes, os.O_RDONLY | os.O_DIRECTORY)

    try:
        os.close(open_beneath(fd, "real/deep"))
        with pytest.raises(OSError) as caught:
            open_beneath(fd, "link/deep")
    finally:
        os.close(fd)

    assert caught.value.errno == errno.ELOOP


def test_a_home_swapped_for_a_symlink_while_it_is_opened_never_leads_out(homes, tmp_path):
    """A race on purpose: the folder and a symlink change places as fast as they can."""
    outside = tmp_path / "outside"
    outside.mkdir(mode=0o755)
    outside.chmod(0o755)
    (homes / "folder").mkdir()
    (homes / "link").symlink_to(outside)
    stop = threading.Event()

    def swap() -> None:
        while not stop.is_set():
            for one in ("folder", "link"):
                (homes / one).rename(homes / "ann")
                (homes / "ann").rename(homes / one)

    swapper = threading.Thread(target=swap)
    swapper.start()
    opened = refused = 0
    try:
        fd = os.open(homes, os.O_RDONLY | os.O_DIRECTORY)
        for _ in range(20_000):
            try:
                home = open_beneath(fd, "ann")
            except OSError:
                refused += 1
                continue
            assert not os.path.samestat(os.fstat(home), outside.stat())
            os.close(home)
            opened += 1
        os.close(fd)
    finally:
        stop.set()
        swapper.join()

    assert opened
    assert refused


def test_homes_that_is_itself_a_symlink_is_refused(homes, tmp_path):
    homes.rmdir()
    homes.symlink_to(tmp_path)

    with pytest.raises(CarrelError):
        ensure_home(homes, "ann", UID)

    assert not (tmp_path / "ann").exists()


def test_a_missing_data_directory_is_unavailable_not_refused(config):
    with pytest.raises(CarrelError) as caught:
        ensure_home(config.homes, "ann", UID)

    assert caught.value.code is Code.UNAVAILABLE


async def test_a_create_whose_home_was_swapped_never_reaches_the_engines_create(node):
    (node.config.homes / "ann").symlink_to("/")

    status, said = await node.create(node.body)

    assert status == 403
    assert "HostConfig.Binds" in said["message"]
    assert node.engine.changes == []
