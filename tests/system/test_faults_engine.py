"""The engine itself paused, ended and killed, under five live sessions."""

from __future__ import annotations

import asyncio
import contextlib
import signal

import aiohttp
import pytest

from tests.system import daemon
from tests.system.school import note, until

pytestmark = [pytest.mark.engine, pytest.mark.timeout(600)]

OUTAGE_S = 66
"""Two polls of each session (every 30 s and a tenth), six looks of the reconciler (10 s), and
each chore of housekeeping (60 s)."""
LOOK_EVERY_S = 3
NAMES = tuple(f"fay{number}" for number in range(5))


@pytest.fixture(scope="module", autouse=True)
def all_leave(school):
    yield
    asyncio.run(school.empty())


@pytest.fixture
async def five(school, others_are_well):
    """Five live sessions, and what their owners ask with."""
    school.add(*NAMES)
    await school.know(*NAMES)
    await school.start(*NAMES)
    return {name: await school.token(name) for name in NAMES}


def ids(school):
    return {box.user: box.id for box in school.boxes() if box.state == "running"}


async def live_through(school, tokens, seconds):
    """All five are on record, and listed, and answer."""
    for _ in range(seconds // LOOK_EVERY_S):
        await asyncio.sleep(LOOK_EVERY_S)
        assert {row["user"]: row["state"] for row in school.rows(active=True)} == dict.fromkeys(
            NAMES, "running"
        )
        for name, token in tokens.items():
            assert await school.is_ready(name)
            assert await school.answers(name, token)


async def all_is_back(school, tokens):
    code, _ = await asyncio.to_thread(
        school.carrel.inside,
        school.process("node"),
        "python",
        "-m",
        "spawner.node",
        "health",
        limit_s=8,
    )
    return code == 0 and all(
        [await school.is_ready(n) and await school.answers(n, t) for n, t in tokens.items()]
    )


async def is_published(school):
    url = f"{school.carrel.url}/hub/login"
    async with aiohttp.ClientSession() as client, client.get(url) as answer:
        return answer.status == 200


async def test_five_sessions_live_through_an_engine_that_stands_still(
    five, school, record_property
):
    before = ids(school)
    with daemon.paused():
        await live_through(school, five, OUTAGE_S)
    took_s = await until(lambda: all_is_back(school, five), 30)
    note("engine paused, all back", took_s, record_property)
    assert ids(school) == before


async def test_five_sessions_live_through_an_engine_that_is_stopped(five, school, record_property):
    before = ids(school)
    with daemon.live_restore():
        with daemon.down(signal.SIGTERM):
            await live_through(school, five, OUTAGE_S)
        took_s = await until(lambda: all_is_back(school, five), 30)
        note("engine stopped with live-restore, all back", took_s, record_property)
        assert ids(school) == before
        # And everything that asks the engine does so again.
        await school.stop(NAMES[0])
        await school.start(NAMES[0])


async def test_kernels_survive_a_killed_engine_with_live_restore(five, school, record_property):
    before = ids(school)
    async with contextlib.AsyncExitStack() as stack:
        kernels = [
            await stack.enter_async_context(school.kernel(name, five[name])) for name in NAMES
        ]
        for number, kernel in enumerate(kernels):
            await kernel.run(f"kept = {number}")
        with daemon.live_restore():
            with daemon.down(signal.SIGKILL):
                # Not even the connections break.
                assert [await kernel.run("print(kept)") for kernel in kernels] == list("01234")
            took_s = await until(lambda: all_is_back(school, five), 30)
            note("engine killed with live-restore, all back", took_s, record_property)
            assert ids(school) == before
            assert [await kernel.run("print(kept)") for kernel in kernels] == list("01234")


async def test_sessions_end_with_the_reason_when_the_engine_is_killed_without_live_restore(
    five, school, record_property
):
    sessions = {row["id"] for row in school.rows(active=True)}
    for box in school.boxes():
        code, said = school.carrel.inside(box.id, "sh", "-c", f"echo {box.user} > /content/mine")
        assert code == 0, said
    with daemon.down(signal.SIGKILL):
        pass

    async def is_over():
        rows = [row for row in school.rows() if row["id"] in sessions]
        gone = all([await school.is_gone(name) for name in NAMES])
        return gone and {row["state"] for row in rows} == {"ended"} and not school.boxes()

    took_s = await until(is_over, 60)
    note("engine killed without live-restore, ends on record", took_s, record_property)
    for row in school.rows():
        if row["id"] in sessions:
            assert row["reason"] in ("exited", "engine_lost"), row
            assert row["detail"], row
    states = school.carrel.engine.docker(
        "ps", "--format", "{{.Names}}", "--filter", f"name={school.carrel.project}-"
    )
    assert set(states.split()) >= {school.process(p) for p in ("hub", "proxy", "node", "web")}
    await school.start(*NAMES)
    for box in school.boxes():
        assert school.carrel.inside(box.id, "cat", "/content/mine") == (0, f"{box.user}\n")
    assert await is_published(school), "the published port leads nowhere"
    await school.stop(*NAMES)
