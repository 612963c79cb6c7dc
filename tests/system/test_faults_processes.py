"""Carrel's own processes killed, one after another, under sessions that go on meanwhile."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass

import pytest

from tests.system.school import School, note, until

pytestmark = [pytest.mark.engine, pytest.mark.timeout(600)]
NAMES = ("pia", "pol")


@dataclass(frozen=True)
class Two:
    """Two live sessions and what their owners ask with."""

    school: School
    tokens: dict[str, str]
    ids: dict[str, str]

    def are_the_same(self) -> bool:
        boxes = {box.user: box.id for box in self.school.boxes() if box.state == "running"}
        rows = {row["user"]: row["container_id"] for row in self.school.rows(active=True)}
        rows = {user: id_ for user, id_ in rows.items() if user in NAMES}
        return boxes == rows == self.ids

    async def answer(self) -> bool:
        return all([await self.school.answers(name, token) for name, token in self.tokens.items()])

    async def are_listed(self) -> bool:
        return all([await self.school.is_ready(name) for name in self.tokens])


@pytest.fixture(scope="module")
def two(school):
    school.add(*NAMES)

    async def begin():
        await school.know(*NAMES)
        await school.start(*NAMES)
        tokens = {name: await school.token(name) for name in NAMES}
        return Two(school, tokens, {box.user: box.id for box in school.boxes()})

    yield asyncio.run(begin())
    asyncio.run(school.stop(*NAMES))


async def test_a_killed_hub_lists_its_sessions_again_and_a_kernel_goes_on(
    two, school, record_property
):
    assert two.are_the_same()
    async with school.kernel("pia", two.tokens["pia"]) as kernel:
        await kernel.run("import itertools; count = itertools.count()")
        assert await kernel.run("print(next(count))") == "0"
        counted = []

        async def go_on():
            while True:
                counted.append(int(await kernel.run("print(next(count))")))
                await asyncio.sleep(0.1)

        going = asyncio.create_task(go_on())
        school.kill("hub")
        took_s = await until(two.are_listed, 30)
        note("hub killed, sessions listed", took_s, record_property)
        assert not going.done(), going
        going.cancel()
        assert counted == list(range(1, len(counted) + 1))
        assert len(counted) > 5
    listed = json.loads(school.carrel.carrel("session", "list", "--json").stdout)
    assert {s["user"]: s["state"] for s in listed} == dict.fromkeys(NAMES, "running")
    assert two.are_the_same()
    assert await two.answer()


async def test_a_killed_proxy_has_its_routes_back_within_ten_seconds(two, school, record_property):
    assert await two.answer()
    async with school.kernel("pia", two.tokens["pia"]) as kernel:
        await kernel.run("kept = 42")
        school.kill("proxy")
        took_s = await until(two.answer, 10)
    note("proxy killed, sessions reached", took_s, record_property)
    async with school.kernel("pia", two.tokens["pia"], kernel.id) as again:
        assert await again.run("print(kept)") == "42"
    assert two.are_the_same()


async def test_a_killed_web_service_is_noticed_by_nobody_else(two, school, record_property):
    hub = school.carrel.engine.docker("inspect", "-f", "{{.State.Pid}}", school.process("hub"))
    async with school.kernel("pol", two.tokens["pol"]) as kernel:
        school.kill("web")

        async def is_back():
            assert await two.are_listed()
            assert await kernel.run("print(6 * 7)") == "42"
            return is_healthy(school, "web")

        took_s = await until(is_back, 60)
    note("web killed, healthy", took_s, record_property)
    assert two.are_the_same()
    again = school.carrel.engine.docker("inspect", "-f", "{{.State.Pid}}", school.process("hub"))
    assert again == hub


async def test_a_killed_node_is_back_and_sessions_live_on(two, school, record_property):
    async with school.kernel("pol", two.tokens["pol"]) as kernel:
        school.kill("node")

        async def is_back():
            assert await two.are_listed()
            assert await kernel.run("print(6 * 7)") == "42"
            return node_is_well(school)

        took_s = await until(is_back, 30)
    note("node killed, well", took_s, record_property)
    assert two.are_the_same()


async def test_without_node_nothing_ends_and_a_start_fails_with_the_reason(
    two, school, record_property
):
    school.add("nia")
    await school.know("nia")
    docker = school.carrel.engine.docker
    docker("stop", school.process("node"))
    try:
        await school.ask_for("nia")
        await until(lambda: school.is_gone("nia"), 60)
        # A poll of each session (30 s and a tenth) and three looks of the reconciler (10 s).
        for _ in range(7):
            await asyncio.sleep(5)
            assert two.are_the_same()
            assert await two.are_listed()
    finally:
        docker("start", school.process("node"))
    took_s = await until(lambda: asyncio.to_thread(node_is_well, school), 30)
    note("node stopped for a minute, well", took_s, record_property)
    # Whether anything was made is known only now.
    await until(lambda: is_ended(school, "nia"), 60)
    assert school.row("nia")["reason"] == "failed_to_start"
    assert "The container engine does not answer" in school.row("nia")["detail"]
    assert two.are_the_same()
    assert await two.answer()
    await school.start("nia")
    await school.stop("nia")
    assert school.row("nia")["reason"] == "stopped_by_user"


async def test_a_paused_session_is_kept_and_answers_again(two, school, record_property):
    docker = school.carrel.engine.docker
    (box,) = [box for box in school.boxes() if box.user == "pia"]
    docker("pause", box.id)
    try:
        # A poll of each session (30 s and a tenth); then the hub begins anew, and looks.
        for number in range(10):
            await asyncio.sleep(5)
            if number == 7:
                school.kill("hub")
            assert {row["state"] for row in school.rows(active=True)} == {"running"}
            assert len(school.rows(active=True)) == 2
    finally:
        docker("unpause", box.id)
    took_s = await until(two.answer, 30)
    note("session paused, answers", took_s, record_property)
    await until(two.are_listed, 30)
    assert {box.user: box.id for box in school.boxes()} == two.ids


async def is_ended(school, name):
    return school.row(name)["state"] == "ended"


def is_healthy(school, process):
    found = school.carrel.engine.docker(
        "inspect", "-f", "{{.State.Health.Status}}", school.process(process), check=False
    )
    return found.strip() == "healthy"


def node_is_well(school):
    code, _ = school.carrel.inside(
        school.process("node"), "python", "-m", "spawner.node", "health", limit_s=8
    )
    return code == 0
