"""Settings that promise sessions more than the machine has."""

from __future__ import annotations

from typing import Any

import pytest

from hub.cli import promises
from hub.cli.checks import Problem
from hub.cli.look import Machine
from hub.settings import Settings
from spawner.confinement import GIB


def machine(memory_gib: float, cores: int = 2) -> Machine:
    return Machine(cores, int(memory_gib * GIB), 50 * GIB, (), "no driver")


def with_large(reserve_gib: float = 1, **large: float) -> Settings:
    profile = {"slug": "large", "title": "Large", "image": "base", "machine": "large"}
    return settings(
        machines={"large": large}, profiles=[profile], capacity={"reserve_gib": reserve_gib}
    )


def settings(**values: Any) -> Settings:
    return Settings.model_validate(values)


def told(problems: list[Problem]) -> list[str]:
    return [f"{problem.message} {problem.remedy}" for problem in problems]


@pytest.mark.parametrize(("memory_gib", "cores"), [(3.8, 2), (8, 2), (64, 16)])
def test_the_defaults_fit_usual_machines_and_nothing_is_said(memory_gib: float, cores: int) -> None:
    assert promises.problems(Settings(), machine(memory_gib, cores)) == []
    assert promises.notes(Settings(), machine(memory_gib, cores)) == []


def test_a_guarantee_that_no_session_could_get_is_refused_with_the_arithmetic() -> None:
    large = with_large(reserve_gib=2, memory_gib=40, guarantee_gib=32)
    assert told(promises.problems(large, machine(24))) == [
        "“Large” guarantees 32 GiB; this machine has 24 GiB, less 2 GiB reserve = 22 GiB. "
        "Lower [machines.large] guarantee_gib or [capacity] reserve_gib."
    ]


def test_without_a_guarantee_the_limit_is_what_is_promised() -> None:
    (text,) = told(promises.problems(with_large(memory_gib=32), machine(24)))
    assert "guarantees 32 GiB" in text
    assert "[machines.large] memory_gib" in text


def test_the_machine_that_is_just_enough_is_enough() -> None:
    assert promises.problems(with_large(memory_gib=23), machine(24)) == []
    (text,) = told(promises.problems(with_large(memory_gib=23), machine(23.999)))
    assert "this machine has 23.99 GiB, less 1 GiB reserve = 22.99 GiB" in text


def test_more_memory_or_cores_for_one_than_there_are_is_refused() -> None:
    text = " ".join(
        told(promises.problems(with_large(memory_gib=64, guarantee_gib=1, cores=8), machine(24)))
    )
    assert "may use 64 GiB of memory; this machine has 24 GiB" in text
    assert "may use 8 cores; this machine has 2." in text


def test_a_guarantee_above_the_limit_is_refused_on_any_machine() -> None:
    (text,) = told(promises.problems(with_large(memory_gib=1, guarantee_gib=2), machine(64)))
    assert "guarantees 2 GiB and is limited to 1 GiB" in text


def test_a_reserve_that_leaves_nothing_is_refused_once() -> None:
    greedy = settings(capacity={"reserve_gib": 30})
    assert told(promises.problems(greedy, machine(24))) == [
        "Nothing is left for sessions: this machine has 24 GiB, less 30 GiB reserve. "
        "Lower [capacity] reserve_gib, or take a machine with more memory."
    ]


def test_a_reserve_that_takes_a_default_profiles_memory_is_refused() -> None:
    greedy = settings(capacity={"reserve_gib": 7})
    (text,) = told(promises.problems(greedy, machine(8)))
    assert "“Data science” guarantees 1.5 GiB" in text
    assert "= 1 GiB" in text


def test_on_a_small_machine_a_default_that_is_too_big_is_a_note_and_no_more() -> None:
    assert promises.problems(Settings(), machine(2, cores=1)) == []
    text = " ".join(told(promises.notes(Settings(), machine(2, cores=1))))
    assert "“Data science” guarantees 1.5 GiB" in text
    assert "may use 2 cores; this machine has 1." in text


def test_a_machine_where_nothing_at_all_could_start_is_refused() -> None:
    (text,) = told(promises.problems(Settings(), machine(1.25)))
    assert "“Small” guarantees 0.5 GiB; this machine has 1.25 GiB, less 1 GiB reserve" in text


def test_a_machine_type_that_nobody_is_offered_promises_nothing() -> None:
    unused = settings(
        machines={**Settings().model_dump()["machines"], "unused": {"memory_gib": 512}}
    )
    assert promises.problems(unused, machine(8)) == []


def test_many_more_starts_at_a_time_than_cores_carry_and_a_tiny_reserve_are_noted() -> None:
    hasty = settings(capacity={"start_slots": 30, "reserve_gib": 0.25})
    assert promises.problems(hasty, machine(8)) == []
    text = " ".join(told(promises.notes(hasty, machine(8))))
    assert "lets 30 sessions start at a time; 2 cores start 10" in text
    assert "keeps 0.25 GiB" in text
    assert promises.notes(settings(capacity={"start_slots": 10}), machine(8)) == []
