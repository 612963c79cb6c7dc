"""``carrel-drive`` says how it stands with Drive, waits for a flush, and names what is missing."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.images.drive_sidecar import sidecar, tell
from tests.images.session_server import SKEL, wait_until

pytestmark = pytest.mark.process

PUBLIC = {"JUPYTERHUB_PUBLIC_HUB_URL": "https://carrel.example.org/hub/"}
PAGE = "https://carrel.example.org/services/carrel/drive"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "content").mkdir()
    return tmp_path / "content"


@pytest.fixture
def drive(home: Path) -> Path:
    (home / "drive/MyDrive").mkdir(parents=True)
    return home / "drive"


def start(home: Path, *arguments: str, **more: Any) -> subprocess.Popen[str]:
    """As the image's launcher, in a folder where a file has the name of a module."""
    (home / "json.py").write_text("raise SystemExit('the wrong json')")
    environment = {
        "PATH": os.environ["PATH"], "PYTHONPATH": str(SKEL / "lib"), "CARREL_HOME": str(home),
        "PYTHONDONTWRITEBYTECODE": "1", "LANG": "C.UTF-8", **PUBLIC,
    }  # fmt: skip
    launcher = (
        (SKEL / "bin/carrel-drive")
        .read_text()
        .replace("/opt/carrel/venv/bin/python", sys.executable)
    )
    command = ["sh", "-c", launcher, "carrel-drive", *arguments]
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **more}
    return subprocess.Popen(command, cwd=home, env=environment, text=True, **streams)


def run(home: Path, *arguments: str) -> tuple[int, str, str]:
    process = start(home, *arguments)
    out, err = process.communicate(timeout=60)
    assert "Traceback" not in err
    return process.returncode, out, err


def test_without_drive_both_say_how_to_connect(home: Path) -> None:
    code, out, _ = run(home, "status")
    assert code == 2 and "not connected" in out and PAGE in out and "start it" in out
    code, out, err = run(home, "flush")
    assert (code, out) == (2, "") and PAGE in err
    assert list(home.glob("drive*")) == [], "what is written there would never reach Drive"


def test_in_step(home: Path, drive: Path) -> None:
    tell(drive, files=42, last_success_at="2026-11-24T19:05:12+00:00")
    code, out, _ = run(home, "status")
    assert code == 0 and out.startswith(
        "In step with Google Drive: 42 files, last at 2026-11-24 19:05 UTC."
    )
    assert len(out.splitlines()) == 1


def test_a_progress_line(home: Path, drive: Path) -> None:
    tell(
        drive, state="syncing", up={"files": 120, "size_bytes": 6_800_000},
        up_total={"files": 1000, "size_bytes": 10_000_000}, down={"files": 1, "size_bytes": 512},
    )  # fmt: skip
    code, out, _ = run(home, "status")
    assert code == 0
    assert out == (
        "Syncing: up 880 of 1,000 files, 3.2 MB of 10.0 MB; down 1 file to go (512 B).\n"
    )


def test_lists_name_what_is_not_equal_and_say_where_they_end(home: Path, drive: Path) -> None:
    tell(
        drive,
        conflicts=[{"path": "a.ipynb", "copy": "a (from Drive, 2026-11-24 19.05).ipynb",
                    "at": "2026-11-24T19:05:00+00:00"}],
        conflict_count=1, unsynced_count=200,
        unsynced=[{"path": f"{n}\x1b[2J.bin", "why": "It is too big."} for n in range(100)],
        skipped=[{"path": "pipe", "why": "A pipe."}], skipped_count=1,
    )  # fmt: skip
    code, out, _ = run(home, "status")
    assert code == 0
    assert "  a.ipynb → a (from Drive, 2026-11-24 19.05).ipynb (" in out
    assert "Not in Drive as here: 200 files" in out and "  … and 190 more" in out
    assert "\x1b" not in out and "0�[2J.bin: It is too big." in out
    assert "Left alone by rule: 1:\n  pipe: A pipe." in out
    found = json.loads(run(home, "status", "--json")[1])
    assert found["standing"] == "in step" and len(found["report"]["unsynced"]) == 100


def test_names_steer_no_terminal_in_json_either(home: Path, drive: Path) -> None:
    name = "\x1b[2J\x9b2J\u202e gpj \ud800 ä 漢.exe"
    tell(drive, state="idle", unsynced_count=1, unsynced=[{"path": name, "why": "It is open."}])
    _, out, _ = run(home, "status", "--json")
    assert out.replace("\n", "").isprintable() and " ä 漢.exe" in out
    assert json.loads(out)["report"]["unsynced"][0]["path"] == name


@pytest.mark.parametrize(
    ("pause", "what", "hint"),
    [
        ("reconnect", "no longer accepts", f"Press Reconnect on the page Drive, {PAGE}."),
        ("offline", "does not answer", "goes on by itself"),
        ("busy", "fewer requests", "goes on by itself"),
        ("unmounted", "not the one that was synced", "Put back MyDrive"),
        ("mass delete", "Very much was deleted", f"Say on the page Drive, {PAGE}"),
        ("remote full", "is full", "Make room there"),
        ("local full", "no room", PAGE),
        ("no folders", "No folders", PAGE),
        ("what a later version adds", "does not say why", PAGE),
    ],
)
def test_each_pause_says_why_and_what_to_do(
    home: Path, drive: Path, pause: str, what: str, hint: str
) -> None:
    tell(drive, state="paused", pause=pause)
    code, out, _ = run(home, "status")
    assert code == 1 and what in out and hint in out and "{page}" not in out


def test_what_a_pause_says_itself_goes_first(home: Path, drive: Path) -> None:
    tell(drive, state="paused", pause="mass delete", pause_detail="30 of 40 files went.")
    said = run(home, "status")[1]
    assert said.startswith("The sync is paused. 30 of 40 files went. Say on the page Drive")


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"at": time.time() - 40}, "nothing was heard of the sync since"),
        ({"at": time.time() - 9000, "state": "paused", "pause": "reconnect"}, "Press Reconnect"),
        ({"state": "ended", "result": "42 files in Drive"}, "the sync ended at"),
        ({"at": "never"}, "has not started yet"),
        ({"state": 7, "up": [], "conflicts": {}}, "has not started yet"),
    ],
)
def test_an_old_word_is_not_taken_for_the_present(
    home: Path, drive: Path, fields: dict[str, Any], why: str
) -> None:
    tell(drive, **fields)
    code, out, _ = run(home, "status")
    assert code == 1 and out.startswith("Nothing syncs right now: ") and why in out
    assert "safe here" in out


def test_what_stands_in_the_files_place_hangs_nothing(home: Path, drive: Path) -> None:
    (drive / ".carrel").mkdir()
    os.mkfifo(drive / ".carrel/status.json")
    assert run(home, "status")[0] == 1
    (drive / ".carrel/status.json").unlink()
    (drive / ".carrel/status.json").write_bytes(b"\xff{" * 1000)
    assert run(home, "status")[0] == 1


def test_flush_returns_when_drive_has_everything(home: Path, drive: Path, tmp_path: Path) -> None:
    for number in range(10):
        (drive / f"MyDrive/{number}.txt").write_text(str(number))
    with sidecar(drive, tmp_path / "there") as found:
        code, out, err = run(home, "flush")
        assert (code, out, err) == (0, "Everything is in Google Drive: 10 files.\n", "")
        assert len(list(found.there.iterdir())) == 10
        said = json.loads(run(home, "flush", "--json")[1])
        assert said["clean"] and said["unsynced"] == [] and len(set(found.flushes)) == 2
    assert [p.name for p in (drive / ".carrel").iterdir() if p.suffix == ".tmp"] == []


def test_flush_names_what_is_not_there(home: Path, drive: Path, tmp_path: Path) -> None:
    (drive / "MyDrive/big.bin").write_text("x")
    (drive / "MyDrive/a.txt").write_text("x")
    with sidecar(drive, tmp_path / "there", refused={"big.bin": "It is too big."}):
        code, out, _ = run(home, "flush")
        assert code == 1 and out.startswith("Not everything is in Google Drive.\n")
        assert "  big.bin: It is too big.\n" in out and "a.txt" not in out
        assert json.loads(run(home, "flush", "--json")[1])["unsynced"] == [
            {"path": "big.bin", "why": "It is too big."}
        ]


def test_flush_has_an_end(home: Path, drive: Path, tmp_path: Path) -> None:
    for number in range(100):
        (drive / f"MyDrive/{number}.txt").write_text("x")
    with sidecar(drive, tmp_path / "there", step_s=0.2):
        code, out, _ = run(home, "flush", "--timeout", "1")
    assert code == 1 and "after 1 s" in out and "Syncing: up " in out and "--timeout" in out


def test_a_sync_that_stops_waiting_for_itself_is_asked_again(home: Path, drive: Path) -> None:
    """It gives up after a minute; whoever waits may have more time."""
    (drive / ".carrel").mkdir()
    tell(drive)
    process, asked = start(home, "flush", "--timeout", "30"), drive / ".carrel/flush"
    try:
        wait_until(asked.exists)
        first = json.loads(asked.read_text())["id"]
        flush = {"id": first, "state": "not clean", "unsynced": [{"path": "", "why": "Later."}]}
        tell(drive, state="syncing", up={"files": 9, "size_bytes": 9}, flush=flush)
        wait_until(lambda: json.loads(asked.read_text())["id"] != first)
        second = json.loads(asked.read_text())["id"]
        tell(drive, flush={**flush, "id": second})
        out, _ = process.communicate(timeout=20)
    finally:
        process.kill()
    assert process.returncode == 1 and out.endswith("safe on this side:\n  Later.\n")


def test_flush_with_nobody_there_or_in_a_pause_says_so(home: Path, drive: Path) -> None:
    tell(drive, at=time.time() - 100)
    code, out, _ = run(home, "flush", "--timeout", "0.5")
    assert code == 1 and out.startswith("Nothing syncs right now")
    tell(drive, state="paused", pause="reconnect", at=time.time() + 10)
    code, out, _ = run(home, "flush")
    assert code == 1 and "Press Reconnect" in out


def test_who_asked_earlier_is_answered_with_who_asked_later(
    home: Path, drive: Path, tmp_path: Path
) -> None:
    (drive / ".carrel").mkdir()
    tell(drive)
    first = start(home, "flush")
    try:
        wait_until((drive / ".carrel/flush").exists)
        (drive / ".carrel/flush").write_text('{"id": "of the second"}')
        with sidecar(drive, tmp_path / "there") as found:
            assert first.wait(20) == 0 and found.flushes == ["of the second"]
    finally:
        first.communicate()


def test_a_terminal_sees_the_progress_and_ctrl_c_ends_it(home: Path, drive: Path) -> None:
    tell(drive, state="syncing", up={"files": 5, "size_bytes": 10})
    ours, its = pty.openpty()
    process = start(home, "flush", stdout=its, stderr=its, start_new_session=True)
    os.close(its)
    said = b""
    try:
        while b"up 5 files to go" not in said:
            said += os.read(ours, 1000)
        os.killpg(process.pid, signal.SIGINT)
        assert process.wait(20) == 1
        said += os.read(ours, 10_000)
    finally:
        process.kill()
        os.close(ours)
    assert b"No longer waiting. The sync goes on by itself." in said and b"Traceback" not in said


def test_bad_seconds_are_refused(home: Path, drive: Path) -> None:
    for seconds in ("-1", "nan", "soon"):
        code, _, err = run(home, "flush", "--timeout", seconds)
        assert code == 2 and "--timeout" in err
