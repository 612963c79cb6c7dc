"""Packages are built after a publish: what node is asked, and what becomes of its answer."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest

from hub import accounts, courses, installation
from hub.accounts import NewAccount
from hub.audit import By
from hub.enums import LayerState, Role
from hub.materials import layer_files, layers, places
from hub.materials.building import MOST_LOG, Log, clean
from hub.materials.packages import BROKE_OFF, Packages
from hub.powers import Actor
from spawner.errors import CarrelError, Code
from tests.hub.hub_process import write_installation
from tests.hub.materials.test_publishing import publish
from tests.hub.materials.trees import NOW, tar

BY = By("tess", NOW)
OK = {"log/1": b"Collecting a\n", "result": json.dumps({"packages": ["a==1"]}).encode()}
GOOD = tar(OK | {"layer/lib/python3.13/site-packages/a.py": b"x = 1"})
BAD = tar({"log/1": b"no such thing\n", "result": b'{"problem": "pip could not."}'})


class FakeNode:
    """Stands for node: answers jobs as told, one after another."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.jobs = []

    async def ensure_course(self, slug):
        raise NotImplementedError

    @asynccontextmanager
    async def job(self, job):
        self.jobs.append(dict(job))
        sent = self.answers.pop(0)
        if isinstance(sent, CarrelError):
            raise sent

        async def pieces():
            for piece in sent if isinstance(sent, list) else [sent]:
                if isinstance(piece, CarrelError):
                    raise piece
                yield piece

        yield pieces()


class School:
    def __init__(self, store, etc, node):
        self.store, self.node = store, node
        self.ours = installation.load(etc)
        self.place = places.of(self.ours.settings.data_dir, "ds-1")
        self.place.shared.mkdir(parents=True)
        self.place.intakes.mkdir()
        self.packages = self.housekeeping()

    def housekeeping(self):
        """Its process, begun anew."""
        return Packages(self.store, self.node, self.ours)

    def publish(self, listed):
        files = {"lab.ipynb": b"{}"} | ({"requirements.txt": listed} if listed else {})
        publish(self.store, self.place, files)

    async def done(self):
        """Everything that is to be done is done."""
        for _ in range(300):
            await self.packages.look(NOW)
            building = self.packages._building
            if not any(one.under_way for one in self.all) and (not building or building.done()):
                await self.packages.look(NOW)
                return
            await asyncio.sleep(0.02)
        pytest.fail(f"it was not done: {self.all}")

    @property
    def all(self):
        return self.store.read(layers.of_course, "ds-1")

    @property
    def current(self):
        """The layer that a kernel gets."""
        path = self.place.packages / "current"
        return path.read_text().strip() if path.exists() else None


@pytest.fixture
def school(store, tmp_path):
    etc = write_installation(tmp_path / "srv")
    store.decide(accounts.create, NewAccount("tess", Role.TEACHER), BY)
    tess = Actor("tess", Role.TEACHER)
    store.decide(courses.make, tess, "ds-1", courses.Wish("Data"), BY)
    return School(store, etc, FakeNode(GOOD))


async def test_a_published_list_is_built_once_and_then_used(school):
    school.publish(b"a\n")
    await school.done()
    (layer,) = school.all
    assert school.node.jobs == [
        {"kind": "install", "id": layer.id, "image": "carrel/session-base:1",
         "requirements": "a\n", "proxies": []}
    ]  # fmt: skip
    assert (layer.state, layer.names, layer.version) == (LayerState.READY, ["a==1"], 1)
    assert school.current == layer.id
    assert (school.place.packages / layer.id / "lib/python3.13/site-packages/a.py").is_file()
    assert school.store.read(layers.log_of, layer.id) == "Collecting a\n"
    school.publish(b"# the same\na\n")
    await school.done()
    school.packages = school.housekeeping()
    await school.done()
    assert len(school.node.jobs) == 1


async def test_materials_without_a_list_build_nothing_and_make_no_folder(school):
    school.publish(None)
    await school.done()
    await school.packages.repair(NOW)
    assert school.all == []
    assert not school.place.packages.exists()


async def test_a_build_that_fails_keeps_the_last_good_one(school):
    school.publish(b"a\n")
    await school.done()
    school.node.answers = [BAD]
    school.publish(b"b\n")
    await school.done()
    failed, good = school.all
    assert (failed.state, failed.problem) == (LayerState.FAILED, "pip could not.")
    assert school.store.read(layers.log_of, failed.id) == "no such thing\n"
    assert school.current == good.id
    assert sorted(p.name for p in school.place.packages.iterdir()) == sorted([good.id, "current"])


async def test_a_list_that_is_gone_is_a_layer_that_is_gone(school):
    school.publish(b"a\n")
    await school.done()
    school.publish(None)
    await school.done()
    assert school.current is None
    school.publish(b"a\n")
    await school.done()
    assert school.current == school.all[0].id
    assert len(school.node.jobs) == 1


async def test_a_course_whose_profile_is_changed_is_built_for_its_image(school):
    school.publish(b"a\n")
    await school.done()
    catalog = school.ours.catalog()
    other = next(p for p in catalog.profiles if catalog.reference(p) != "carrel/session-base:1")
    with school.store.deciding() as tx:
        tx.execute(courses.rows.update().values(default_profile=other.slug))
    school.node.answers = [GOOD]
    await school.done()
    assert school.node.jobs[1]["image"] == catalog.reference(other)
    assert [one.state for one in school.all] == [LayerState.READY] * 2


async def test_what_could_not_begin_is_tried_again(school):
    school.node.answers = [CarrelError(Code.UNAVAILABLE, "The image is not there."), GOOD]
    school.publish(b"a\n")
    await school.packages.look(NOW)
    for _ in range(100):
        await asyncio.sleep(0.02)
        if school.all[0].state is LayerState.WAITING:
            break
    await school.packages.look(NOW)
    assert len(school.node.jobs) == 1
    school.packages._not_before = 0
    await school.done()
    assert school.all[0].state is LayerState.READY


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        ([GOOD[:1100], CarrelError(Code.UNAVAILABLE, "It broke off.")], BROKE_OFF),
        (CarrelError(Code.REFUSED, "image: is not one that sessions may use."),
         "image: is not one that sessions may use."),
        (GOOD[:2000], "What was sent breaks off before its end. Send it again."),
        (tar({"log/1": b"x", "etc/passwd": b""}),
         "What the build sent cannot be understood. A package that meddles with its own "
         "installation does that; leave it out."),
    ],
)  # fmt: skip
async def test_what_broke_is_told(school, answer, problem):
    school.node.answers = [answer]
    school.publish(b"a\n")
    await school.done()
    (layer,) = school.all
    assert (layer.state, layer.problem) == (LayerState.FAILED, problem)
    assert school.current is None


async def test_a_database_that_is_busy_for_a_moment_costs_no_build(school, monkeypatch):
    def busy(*_):
        raise CarrelError(Code.UNAVAILABLE, "The database cannot be asked right now.")

    monkeypatch.setattr(layers, "say", busy)
    school.publish(b"a\n")
    await school.done()
    assert school.all[0].state is LayerState.READY
    assert school.store.read(layers.log_of, school.all[0].id) == "Collecting a\n"


async def test_killed_before_it_was_on_record_it_is_built_again(school):
    school.publish(b"a\n")
    await school.packages.look(NOW)
    (layer,) = school.all
    await school.done()
    with school.store.deciding() as tx:  # as if the row had not been written
        tx.execute(layers.rows.update().values(state=LayerState.BUILDING, packages=""))
    school.node.answers = [GOOD]
    school.packages = school.housekeeping()
    await school.done()
    assert school.all[0].names == ["a==1"]
    assert school.current == layer.id


async def test_killed_before_kernels_were_told_they_are_told_at_the_next_start(school):
    school.publish(b"a\n")
    await school.done()
    layer_files.use(school.place, None)
    school.packages = school.housekeeping()
    await school.done()
    assert school.current == school.all[0].id


async def test_a_layer_that_is_lost_is_built_again(school):
    school.publish(b"a\n")
    await school.done()
    (school.place.packages / school.current).rename(school.place.shared / "elsewhere")
    school.node.answers = [GOOD]
    await school.packages.repair(NOW)
    assert school.current is None
    await school.done()
    assert layer_files.is_there(school.place, school.current)


async def test_repair_leaves_what_is_in_use(school):
    school.publish(b"a\n")
    await school.done()
    await school.packages.repair(NOW + timedelta(days=9))
    assert layer_files.is_there(school.place, school.current)


def test_a_log_is_harmless_bounded_and_told_now_and_then():
    told = []
    log = Log(told.append)
    assert not log.heard
    log.hear(b"")
    assert log.heard
    log.hear(b"\x1b[31mred\x1b[0m\r\nnext\0\xff\tend\rover")
    assert told == ["red\nnext\ufffd\tend\nover"]
    log.hear("é".encode() * MOST_LOG + b"end")
    assert len(told) == 1
    assert len(log.text) == MOST_LOG
    assert log.text.endswith("éend")
    assert clean(b"\x9b\x85") == "\ufffd\ufffd"
