"""An engine that answers wrongly, late or never: a real one, behind a socket that misbehaves."""

from __future__ import annotations

import asyncio
import itertools
from contextlib import ExitStack

import pytest

from tests.system.between import Mode, When
from tests.system.school import note, until

pytestmark = [pytest.mark.engine, pytest.mark.timeout(600)]

OUTAGE_S = 66
"""Two polls of each session (every 30 s and a tenth), six looks of the reconciler (10 s), and
each chore of housekeeping (60 s)."""
LOOK_EVERY_S = 3
FIVE = tuple(f"fay{number}" for number in range(5))
AT_A_START = [
    ("create", When.BEFORE),
    ("create", When.AFTER),  # it is there, and nobody has noted its id
    ("start", When.BEFORE),
    ("start", When.AFTER),
    ("inspect", When.AFTER),
]
AT_A_STOP = [("stop", When.BEFORE), ("stop", When.AFTER), ("remove", When.AFTER)]
ENDS = ("stopped_by_user", "exited", "engine_lost")
CALLS = list(itertools.product(("create", "start", "inspect"), When))


@pytest.fixture(autouse=True)
async def all_leave(behind):
    yield
    await behind[0].empty()


@pytest.mark.parametrize("mode", [Mode.ERROR, Mode.SILENCE])
async def test_five_sessions_live_through_an_engine_that_gives_no_answer(
    behind, mode, record_property
):
    """Even if the hub is killed meanwhile, and asks as it begins anew."""
    school, between = behind
    school.add(*FIVE)
    await school.know(*FIVE)
    await school.start(*FIVE)
    tokens = {name: await school.token(name) for name in FIVE}
    before = {box.user: box.id for box in school.boxes()}
    wanted = {row["id"]: "running" for row in school.rows(active=True)}
    assert len(wanted) == len(before) == 5

    async def all_answer():
        return all([await school.answers(*one) for one in tokens.items()])

    with between.misbehaving(mode):
        for number in range(OUTAGE_S // LOOK_EVERY_S):
            await asyncio.sleep(LOOK_EVERY_S)
            if number == 10:
                school.kill("hub")
                # Without the hub a session cannot tell whose token it is shown.
                await until(all_answer, 30)
            assert {row["id"]: row["state"] for row in school.rows(active=True)} == wanted
            assert {box.user: box.id for box in school.boxes()} == before
            # Nobody's kernel is cut off from its owner.
            assert await all_answer()

    async def all_is_back():
        ready = [await school.is_ready(name) for name in FIVE]
        return all(ready) and await all_answer()

    took_s = await until(all_is_back, 30)
    note(f"engine gave {mode.value} for {OUTAGE_S} s, all back", took_s, record_property)
    assert {row["id"]: row["state"] for row in school.rows(active=True)} == wanted
    assert {box.user: box.id for box in school.boxes()} == before
    await school.stop(*FIVE)


async def test_a_start_that_is_cancelled_at_any_call_leaves_nothing(behind, record_property):
    """Nine at once, each cancelled while one call for its container stands still."""
    school, between = behind
    people = {f"c{verb}{when.value}": (verb, when) for verb, when in CALLS}
    school.add(*people)
    await school.know(*people)

    async def cancel(name):
        with between.hold(people[name][0], name, people[name][1]) as hold:
            asking = asyncio.create_task(school.ask_for(name))
            assert await asyncio.to_thread(hold.reached.wait, 90), f"{name}: never asked for"
            assert school.row(name)["state"] == "starting"
            status, said = await school.leave(name)
            assert status in (202, 204), (name, said)
        await asking

        async def nothing_is_left():
            gone = await school.is_gone(name) and school.row(name)["state"] == "ended"
            return gone and not [box for box in school.boxes() if box.user == name]

        took_s = await until(nothing_is_left, 120)
        assert school.row(name)["reason"] == "stopped_by_user", school.row(name)
        return took_s

    took = dict(zip(people, await asyncio.gather(*map(cancel, people)), strict=True))
    for name, took_s in took.items():
        note(f"start cancelled, {name[1:]}, nothing left", took_s, record_property)
    # What comes late would be there by now: every call has been answered.
    assert await school.has_ended_well()
    await school.start(*people)
    assert await school.has_ended_well(with_users=tuple(people))
    await school.stop(*people)


async def test_starts_and_stops_whose_hub_is_killed_are_adopted_or_carried_to_their_end(
    behind, record_property
):
    """Eight people, each at another call for their container, and one kill."""
    school, between = behind
    starts = {f"k{verb}{when.value}": (verb, when) for verb, when in AT_A_START}
    stops = {f"k{verb}{when.value}": (verb, when) for verb, when in AT_A_STOP}
    people = starts | stops
    # The other stop may be forgotten with its hub.
    heard = {name for name, (_, when) in stops.items() if when is When.AFTER}
    school.add(*people)
    await school.know(*people)
    await school.start(*stops)
    with ExitStack() as stack:
        holds = [stack.enter_context(between.hold(verb, n, w)) for n, (verb, w) in people.items()]
        asking = [asyncio.create_task(school.ask_for(name)) for name in starts]
        asking += [asyncio.create_task(school.leave(name)) for name in stops]
        for hold in holds:
            assert await asyncio.to_thread(hold.reached.wait, 90), f"{hold.user}: never asked for"
        first = {name: school.row(name)["id"] for name in people}
        school.kill("hub")
        await asyncio.gather(*asking, return_exceptions=True)

    async def decided(name):
        async def is_decided():
            boxes = [box for box in school.boxes() if box.user == name]
            assert len([box for box in boxes if box.state == "running"]) <= 1, boxes
            states = [box.state for box in boxes if box.session == first[name]]
            found = (by_id(school, first[name])["state"], states)
            if found == ("running", ["running"]):
                return name not in heard and await school.is_ready(name)
            return found == ("ended", [])

        took_s = await until(is_decided, 30)
        state = by_id(school, first[name])["state"]
        note(f"hub killed at {name[1:]}, session {state}", took_s, record_property)

    await asyncio.gather(*map(decided, people))
    on_record = {name: by_id(school, first[name]) for name in people}
    for name, row in on_record.items():
        if row["state"] == "ended":
            reasons = ("failed_to_start",) if name in starts else ENDS
            assert row["reason"] in reasons, row
            assert row["detail"] or row["reason"] == "stopped_by_user", row
    # Whoever wants a session gets one, and what was on record stays as it was.
    await school.start(*people)
    assert await school.has_ended_well(with_users=tuple(people))
    assert {name: by_id(school, first[name]) for name in people} == on_record
    await school.stop(*people)
    assert await school.has_ended_well()


def by_id(school, session):
    (row,) = [row for row in school.rows() if row["id"] == session]
    return row
