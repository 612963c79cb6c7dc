"""Images are named by what goes into them."""

from __future__ import annotations

import io
import re
import tarfile
from pathlib import Path

from hub.cli import images, recipe
from hub.cli.mirrors import Mirrors
from hub.settings import Settings

ROOT = Path(__file__).parents[3]
MIRRORS = Mirrors("http://deb.debian.org/debian", "http://s", "", "", (), ())


def decide(root=ROOT, mirrors=MIRRORS, debian="sha256:1", gpu=False, **settings):
    return recipe.decide(root, Settings.model_validate(settings), mirrors, debian, gpu=gpu)


def test_the_same_content_has_the_same_name():
    assert decide().references == decide().references


def test_another_debian_renames_everything():
    one, two = decide().references, decide(debian="sha256:2").references
    changed = {name for name in one if one[name] != two[name]}
    assert changed == set(one) - {"postgres", "drive-emulator"}


def test_a_change_of_the_code_renames_only_what_holds_it(tmp_path):
    import shutil

    for part in ("hub", "spawner", "config", "images"):
        shutil.copytree(ROOT / part, tmp_path / part)
    before = decide(root=tmp_path).references
    (tmp_path / "hub" / "accounts_new.py").write_text("x = 1\n")
    after = decide(root=tmp_path).references
    assert {n for n in before if before[n] != after[n]} == {"hub"}
    (tmp_path / "spawner" / "names.py").write_text("x = 1\n")
    last = decide(root=tmp_path).references
    assert {n for n in before if after[n] != last[n]} == {"hub", "node"}


def test_what_python_leaves_behind_is_no_content(tmp_path):
    (tmp_path / "a" / "__pycache__").mkdir(parents=True)
    (tmp_path / "a" / "__pycache__" / "x.pyc").write_bytes(b"1")
    (tmp_path / "a" / "b.py").write_text("1")
    assert [path for path, _, _ in images.read_files(tmp_path, ("a",))] == ["a/b.py"]


def test_pytorch_is_built_where_a_gpu_is_found_or_asked_for():
    assert set(decide().families) == {"base", "datascience"}
    assert set(decide(gpu=True).families) == {"base", "datascience", "pytorch"}
    only = decide(images={"families": ["base", "pytorch"]})
    assert [b.image.name for b in only.later] == ["session-datascience", "session-pytorch"]


def test_drive_is_built_where_somebody_may_connect_one_before_what_takes_longer():
    assert decide().drive == ""
    plan = decide(drive={"client_id": "x"})
    assert [build.image.name for build in plan.later] == ["drivesync", "session-datascience"]
    assert plan.drive == plan.references["drivesync"] == plan.later[0].reference
    assert plan.later[1].parent_reference == plan.families["base"]
    assert "drivesync" not in {build.image.name for build in plan.first}


def test_the_demo_alone_has_a_drive_of_its_own():
    assert decide().processes["drive-emulator"] == "carrel/drive-emulator:none"
    plan = decide(demo=True, server={"bind": "127.0.0.1"})
    (emulator,) = plan.then
    assert emulator.reference == plan.processes["drive-emulator"]
    assert emulator.parent_reference == plan.drive
    assert [build.image.name for build in plan.first].count("drivesync") == 1
    assert "drivesync" not in {build.image.name for build in plan.later}


def test_families_build_on_one_another():
    plan = decide(gpu=True)
    assert plan.later[0].parent_reference == plan.families["base"]
    assert plan.later[1].parent_reference == plan.families["datascience"]


def test_the_certificates_of_the_host_are_in_the_base(tmp_path):
    certificate = tmp_path / "site.crt"
    certificate.write_text("PEM")
    mirrors = Mirrors("http://d/debian", "http://s", "", "", (), (certificate,))
    plan = decide(mirrors=mirrors)
    with tarfile.open(fileobj=io.BytesIO(plan.base.context())) as tar:
        assert tar.extractfile("ca/site.crt").read() == b"PEM"
    assert plan.base.reference != decide().base.reference


def test_the_context_is_the_same_bytes_each_time():
    assert decide().first[0].context() == decide().first[0].context()


def test_dockerfiles_are_for_both_builders():
    """The legacy builder takes no RUN --mount and no heredocs."""
    for file in (ROOT / "images").rglob("*Dockerfile"):
        text = file.read_text()
        assert "--mount" not in text, file
        assert "<<" not in text, file


def test_every_package_is_pinned_with_a_hash():
    locks = [*ROOT.glob("images/*/*.lock"), *ROOT.glob("**/requirements.lock")]
    assert len(locks) >= 5
    for lock in locks:
        if ".venv" in lock.parts:
            continue
        entries = re.split(r"\n(?=[a-z])", lock.read_text())
        for entry in entries:
            name = entry.split("==")[0]
            assert "==" in entry, f"{lock.name}: {name} is not pinned"
            assert "--hash=sha256:" in entry, f"{lock.name}: {name} has no hash"


def test_the_datascience_lock_agrees_with_the_base_lock():
    def pins(name):
        text = (ROOT / "images" / "session" / name).read_text()
        return dict(re.findall(r"^([a-z0-9._-]+)==([^\s;]+)", text, re.M))

    base, datascience = pins("base.lock"), pins("datascience.lock")
    assert base.items() <= datascience.items()
