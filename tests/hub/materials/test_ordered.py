"""Orders are read: what a job sends becomes an intake, and what it says becomes the problem."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest

from hub import accounts, courses, orders
from hub.accounts import NewAccount
from hub.audit import By
from hub.enums import OrderState, Role, Source
from hub.materials import intake, places
from hub.materials.ordered import Ordered
from hub.orders import Wish
from hub.powers import Actor
from spawner.errors import CarrelError, Code
from tests.hub.materials.trees import END, NOW, tar

TESS = Actor("tess", Role.TEACHER)
BY = By("tess", NOW)


class FakeNode:
    """Stands for node: answers each job with the same stream, or the same no."""

    def __init__(self, data_dir, sent=b"", no=None):
        self.data_dir, self.sent, self.no = data_dir, sent, no
        self.jobs = []

    async def ensure_course(self, slug):
        (self.data_dir / "courses" / slug / "shared").mkdir(parents=True, exist_ok=True)

    @asynccontextmanager
    async def job(self, job):
        self.jobs.append(dict(job))
        if self.no:
            raise self.no

        async def pieces():
            for at in range(0, len(self.sent), 700):
                yield self.sent[at : at + 700]

        yield pieces()


@pytest.fixture
def school(store):
    store.decide(accounts.create, NewAccount("tess", Role.TEACHER), BY)
    store.decide(courses.make, TESS, "ml", courses.Wish("Machine learning"), BY)
    return store


async def done(school, node, wish, within_s=10):
    """The order as it is when nothing is under way any more."""
    made = school.decide(orders.order, TESS, "ml", wish, BY)
    ordered = Ordered(school, node, node.data_dir)
    await ordered.look(NOW)
    for _ in range(within_s * 50):
        found = school.read(orders.find, TESS, "ml", made.id)
        if not found.under_way:
            return found
        await asyncio.sleep(0.02)
    pytest.fail("the order was not done")


async def test_a_folder_of_the_home_becomes_an_intake(school, tmp_path):
    notes = b"'home/ml/fifo': it is no file, folder or link\n"
    sent = tar({"home/lab.ipynb": b"{}", "home/a/b.txt": b"b", "home-left-out.txt": notes})
    node = FakeNode(tmp_path, sent)

    found = await done(school, node, Wish(Source.SESSION, "ml"))

    assert found.state is OrderState.READY, found.problem
    assert node.jobs == [{"kind": "collect", "id": found.id[:12], "user": "tess", "path": "ml"}]
    place = places.of(tmp_path, "ml")
    taken = intake.look(place, found.intake)
    assert sorted(intake.of(place, found.intake).paths(intake.TREE)) == ["a/b.txt", "lab.ipynb"]
    assert [(one.path, one.why) for one in taken.left_out] == [
        ("ml/fifo", "it is no file, folder or link")
    ]
    assert taken.by == "tess"


async def test_a_branch_becomes_an_intake(school, tmp_path):
    node = FakeNode(tmp_path, tar({"home/lab.ipynb": b"{}"}))
    found = await done(school, node, Wish(Source.GIT, "https://git.example.org/labs", "main"))
    assert found.state is OrderState.READY, found.problem
    (job,) = node.jobs
    assert (job["kind"], job["url"], job["branch"]) == (
        "fetch", "https://git.example.org/labs", "main",
    )  # fmt: skip


async def test_what_a_job_says_is_the_problem(school, tmp_path):
    no = CarrelError(Code.REFUSED, "There is no 'ml' in the home.")
    found = await done(school, FakeNode(tmp_path, no=no), Wish(Source.SESSION, "ml"))
    assert found.state is OrderState.FAILED
    assert found.problem == "There is no 'ml' in the home."


@pytest.mark.parametrize(
    "sent",
    [
        tar({"home/lab.ipynb": b"{}"})[:600],
        tar({"home/data/big.bin": b"x"}),
        tar({"elsewhere/lab.ipynb": b"{}"}),
        tar({"home/../../evil": b"x"}),
        END,
        b"",
    ],
)
async def test_what_cannot_be_taken_leaves_nothing_behind(school, tmp_path, sent):
    found = await done(school, FakeNode(tmp_path, sent), Wish(Source.SESSION, "ml"))
    assert found.state is OrderState.FAILED
    assert found.problem
    assert list(places.of(tmp_path, "ml").intakes.glob("*")) == []


async def test_one_that_a_crash_cut_short_is_read_again(school, tmp_path):
    school.decide(orders.order, TESS, "ml", Wish(Source.SESSION, "ml"), BY)
    assert school.decide(orders.begin)  # and its reader was killed
    node = FakeNode(tmp_path, tar({"home/lab.ipynb": b"{}"}))
    ordered = Ordered(school, node, tmp_path)
    await ordered.look(NOW)
    for _ in range(500):
        (found,) = school.read(orders.of_course, "ml")
        if not found.under_way:
            break
        await asyncio.sleep(0.02)
    assert found.state is OrderState.READY


async def test_repair_forgets_what_is_old(school, tmp_path):
    found = await done(school, FakeNode(tmp_path, b""), Wish(Source.SESSION, "ml"))
    await Ordered(school, FakeNode(tmp_path), tmp_path).repair(NOW + timedelta(days=2))
    assert school.read(orders.of_course, "ml") == []
    assert found.state is OrderState.FAILED
