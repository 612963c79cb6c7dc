"""The program of an install: a real pip with wheels of the tests' own, and no index."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import tarfile
import time
import zipfile
from pathlib import Path

import pytest

from spawner.node import install, jobs

pytestmark = pytest.mark.process

PYTHON = f"python{sys.version_info.major}.{sys.version_info.minor}"


def wheel(folder: Path, name: str, version: str, **files: str) -> None:
    """A package as registries hand it out."""
    info = f"{name}-{version}.dist-info"
    told = {
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/entry_points.txt": f"[console_scripts]\n{name}-tool = {name}:main\n",
        f"{info}/RECORD": "",
        f"{name}.py": f"VERSION = {version!r}\ndef main(): print(VERSION)\n",
        **files,
    }  # fmt: skip
    with zipfile.ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w") as archive:
        for path, text in told.items():
            archive.writestr(path, text)


@pytest.fixture
def wheels(tmp_path: Path) -> Path:
    found = tmp_path / "wheels"
    found.mkdir()
    wheel(found, "carrelextra", "1.5")
    return found


def run(tmp_path: Path, requirements: str, **more: str) -> tuple[dict[str, bytes], str]:
    """Its members, and its standard error: the program as node gives it along, in its own place."""
    place = tmp_path / "place"
    place.mkdir(exist_ok=True)
    program = jobs._INSTALL.replace('PLACE = Path("/tmp")', f"PLACE = Path({str(place)!r})")
    assert program != jobs._INSTALL
    done = subprocess.run(
        [sys.executable, "-I", "-c", program, requirements], capture_output=True, check=False,
        env={**os.environ, "PIP_CONFIG_FILE": os.devnull, **more},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    with tarfile.open(fileobj=io.BytesIO(done.stdout)) as tar:
        found = {}
        for member in tar:
            assert member.isfile()
            assert member.mode in (0o644, 0o755)
            file = tar.extractfile(member)
            assert file
            found[member.name] = file.read()
    return found, done.stderr.decode()


def logged(members: dict[str, bytes]) -> str:
    return b"".join(data for name, data in members.items() if name.startswith("log/")).decode()


def test_what_is_listed_comes_as_a_layer(tmp_path: Path, wheels: Path) -> None:
    members, _ = run(tmp_path, f"--no-index\n--find-links {wheels}\ncarrelextra\n")
    assert json.loads(members["result"]) == {
        "python": PYTHON.removeprefix("python"), "packages": ["carrelextra==1.5"],
    }  # fmt: skip
    site = f"layer/lib/{PYTHON}/site-packages"
    assert members[f"{site}/carrelextra.py"].startswith(b"VERSION = '1.5'")
    assert members["layer/bin/carrelextra-tool"].startswith(b"#!")
    (compiled,) = [name for name in members if name.startswith(f"{site}/__pycache__/carrelextra")]
    # Flags of PEP 552: by hash, and not checked.
    assert members[compiled][4:8] == b"\x01\0\0\0"
    assert "Successfully installed carrelextra-1.5" in logged(members)
    names = list(members)
    assert names[0] == "log/1"
    first = next(i for i, name in enumerate(names) if name.startswith("layer/"))
    assert names.index("result") < first
    assert all(name.startswith("layer/") for name in names[first:])


def test_what_the_image_has_is_not_brought_again(tmp_path: Path) -> None:
    members, _ = run(tmp_path, "--no-index\npytest\n")
    assert json.loads(members["result"])["packages"] == []
    assert "already satisfied" in logged(members)


def test_what_cannot_be_installed_is_told_with_pips_own_log(tmp_path: Path) -> None:
    members, _ = run(tmp_path, "--no-index\nno-such-package-anywhere\n")
    assert "pip could not install" in json.loads(members["result"])["problem"]
    assert "No matching distribution found" in logged(members)
    assert not [name for name in members if name.startswith("layer/")]


def test_what_a_build_prints_does_not_get_into_the_tar(tmp_path: Path) -> None:
    package = tmp_path / "package"
    package.mkdir()
    (package / "setup.py").write_text(
        "import os, sys\nos.write(1, b'printed by setup')\nprint('more', flush=True)\nsys.exit(3)"
    )
    members, _ = run(tmp_path, f"--no-index\n{package}\n")
    assert json.loads(members["result"])["problem"]


def test_one_that_takes_too_long_is_ended_with_all_it_began() -> None:
    said: list[bytes] = []
    began = time.monotonic()
    script = (
        "import subprocess, time; subprocess.Popen(['sleep', '60']); "
        "print('begun', flush=True); time.sleep(60)"
    )
    code = install.run([sys.executable, "-c", script], said.append, began + 1.5)
    assert code is None
    assert time.monotonic() - began < 10
    assert b"".join(said) == b"begun\n"


def test_something_left_behind_with_the_output_open_holds_nobody_up() -> None:
    said: list[bytes] = []
    began = time.monotonic()
    script = "import subprocess; subprocess.Popen(['sleep', '5']); print('done', flush=True)"
    code = install.run([sys.executable, "-c", script], said.append, began + 30)
    assert code == 0
    assert time.monotonic() - began < 4
    assert b"".join(said) == b"done\n"


def test_silence_gives_signs_of_life(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(install, "BEAT_S", 0.3)
    monkeypatch.setattr(install, "TALK_S", 0.1)
    said: list[bytes] = []
    script = "import time; time.sleep(1.5)"
    assert install.run([sys.executable, "-c", script], said.append, time.monotonic() + 30) == 0
    assert len(said) >= 3
    assert b"".join(said) == b""


def test_too_many_files_are_told_before_they_are_sent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(4):
        path = tmp_path / "lib" / str(number)
        path.parent.mkdir(exist_ok=True)
        path.write_text("x")
    assert install._too_much(tmp_path) == ""
    monkeypatch.setattr(install, "MOST_FILES", 3)
    assert "too large: 4 files" in install._too_much(tmp_path)


def test_links_and_pipes_are_not_sent(tmp_path: Path) -> None:
    lib = tmp_path / "lib"
    lib.mkdir()
    (lib / "a").write_text("x")
    (lib / "link").symlink_to("/etc/passwd")
    (lib / "folder").symlink_to("/etc")
    os.mkfifo(lib / "pipe")
    (tmp_path / "share").mkdir()
    (tmp_path / "share" / "b").write_text("x")
    assert list(install.files(tmp_path)) == [lib / "a"]
