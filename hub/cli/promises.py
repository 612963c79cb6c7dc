"""Decides whether the settings promise sessions more than this machine has (pure).

What an administrator wrote and the machine cannot keep stands in the way. The default profiles
are for most machines, not for this one: where they do not fit, that is said and no more, as long
as something can be started.
"""

from __future__ import annotations

from hub import capacity
from hub.cli.checks import Problem
from hub.cli.look import Machine
from hub.knobs import Capacity, ProfileSettings
from hub.knobs import Machine as MachineType
from hub.settings import Settings
from spawner.confinement import GIB

OWN_GIB = 0.5
"""What hub, proxy, web and node take together, measured with thirty sessions."""
MOST_SLOTS_PER_CORE = 5
"""Measured: starts are Python's imports, and at fifteen for each core most exceed their time."""


def problems(settings: Settings, machine: Machine) -> list[Problem]:
    """What could never be kept."""
    if capacity.room_bytes(machine.memory_bytes, settings) == 0:
        return [_no_room(settings, machine)]
    found = [
        problem
        for profile in settings.profiles
        for problem in _broken(profile, settings, machine)
        if _is_own(profile, settings, machine)
    ]
    if not found and capacity.held(machine.memory_bytes, settings) == 0:
        found = [_too_big(_smallest(settings), settings, machine)]
    return found


def notes(settings: Settings, machine: Machine) -> list[Problem]:
    """What is worth saying, and no more."""
    found = [
        problem
        for profile in settings.profiles
        for problem in _broken(profile, settings, machine)
        if not _is_own(profile, settings, machine)
    ]
    slots, most = settings.capacity.start_slots or 0, MOST_SLOTS_PER_CORE * machine.cores
    if slots > most:
        found.append(
            Problem(
                f"capacity.start_slots lets {slots} sessions start at a time; {machine.cores} "
                f"{_cores(machine.cores)} start {most} ({MOST_SLOTS_PER_CORE} for each) before "
                "they wait for one another so long that starts fail.",
                "Lower [capacity] start_slots, or leave it out.",
            )
        )
    if settings.capacity.reserve_gib < OWN_GIB:
        found.append(
            Problem(
                f"capacity.reserve_gib keeps {_gib(settings.capacity.reserve_gib)}; hub, proxy, "
                f"web and node alone take about {_gib(OWN_GIB)}.",
                "Raise [capacity] reserve_gib to 1 or more.",
            )
        )
    return found


def _broken(profile: ProfileSettings, settings: Settings, machine: Machine) -> list[Problem]:
    """What of one profile this machine cannot keep."""
    type_, name = settings.machines[profile.machine], profile.machine
    if type_.guarantee_bytes > type_.memory_bytes:
        return [
            Problem(
                f"“{profile.title}” guarantees {_gib(type_.guarantee_bytes / GIB)} and is limited "
                f"to {_gib(type_.memory_gib)}: less than it is promised.",
                f"Lower [machines.{name}] guarantee_gib, or raise its memory_gib.",
            )
        ]
    found = []
    if not _fits(type_, settings, machine):
        found.append(_too_big(profile, settings, machine))
    elif type_.memory_bytes > machine.memory_bytes:
        found.append(
            Problem(
                f"“{profile.title}” may use {_gib(type_.memory_gib)} of memory; this machine has "
                f"{_gib(machine.memory_bytes / GIB)}.",
                f"Lower [machines.{name}] memory_gib.",
            )
        )
    if type_.cores > machine.cores:
        found.append(
            Problem(
                f"“{profile.title}” may use {type_.cores:g} cores; this machine has "
                f"{machine.cores}.",
                f"Lower [machines.{name}] cores.",
            )
        )
    return found


def _is_own(profile: ProfileSettings, settings: Settings, machine: Machine) -> bool:
    """Whether an administrator wrote what does not fit, and not Carrel."""
    type_ = settings.machines[profile.machine]
    if type_ != _by_default(profile.machine):
        return True
    # Or it is their reserve that takes away what it would have.
    usual = settings.model_copy(update={"capacity": Capacity()})
    return _fits(type_, usual, machine) and not _fits(type_, settings, machine)


def _fits(type_: MachineType, settings: Settings, machine: Machine) -> bool:
    return type_.guarantee_bytes <= capacity.room_bytes(machine.memory_bytes, settings)


def _by_default(name: str) -> MachineType | None:
    return Settings().machines.get(name)


def _smallest(settings: Settings) -> ProfileSettings:
    return min(settings.profiles, key=lambda p: settings.machines[p.machine].guarantee_bytes)


def _too_big(profile: ProfileSettings, settings: Settings, machine: Machine) -> Problem:
    type_ = settings.machines[profile.machine]
    room = capacity.room_bytes(machine.memory_bytes, settings) / GIB
    lower = "guarantee_gib" if type_.guarantee_gib else "memory_gib"
    return Problem(
        f"“{profile.title}” guarantees {_gib(type_.guarantee_bytes / GIB)}; "
        f"{_sum(settings, machine)} = {_gib(room)}.",
        f"Lower [machines.{profile.machine}] {lower} or [capacity] reserve_gib.",
    )


def _no_room(settings: Settings, machine: Machine) -> Problem:
    return Problem(
        f"Nothing is left for sessions: {_sum(settings, machine)}.",
        "Lower [capacity] reserve_gib, or take a machine with more memory.",
    )


def _sum(settings: Settings, machine: Machine) -> str:
    return (
        f"this machine has {_gib(machine.memory_bytes / GIB)}, less "
        f"{_gib(settings.capacity.reserve_gib)} reserve"
    )


def _gib(value: float) -> str:
    """Rounded down: half a gigabyte must not look like enough."""
    return f"{int(value * 100) / 100:g} GiB"


def _cores(count: int) -> str:
    return "core" if count == 1 else "cores"
