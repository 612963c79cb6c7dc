"""Whether a create body is a Carrel session and nothing more: field by field, before the engine.

What this returns is all that reaches ``body.build``: a field that is not in Spec cannot reach
the engine, whatever it is called.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from spawner import names
from spawner.confinement import (
    CAPABILITIES,
    CONTENT,
    COURSE,
    COURSES_INSIDE,
    DRIVE_INSIDE,
    LABEL_PROFILE,
    LABEL_PROJECT,
    LABEL_SESSION,
    LABEL_USER,
    MIB,
    MOST_COURSES,
    SECURITY_OPT,
    SERVER_PORT,
    SHARED,
)
from spawner.errors import CarrelError, Code
from spawner.node.config import NodeConfig
from spawner.node.fields import Fields

HOSTNAME = "carrel"
SESSION_ID = r"[0-9a-f]{12}"
PROFILE = r"[a-z0-9][a-z0-9-]{0,31}"
MOST_COMMAND_ITEMS = 64
MOST_VARIABLES = 256
MOST_TEXT_BYTES = 64 * 1024
# The kernel's smallest useful session; the engine itself refuses memory limits under 6 MiB.
LEAST_MEMORY_BYTES = 6 * MIB

# Container runtimes hand out devices by these variables (NVIDIA's, AMD's, Intel Gaudi's, Ascend's).
DEVICE_VARIABLES = re.compile(
    r"NVIDIA_.*|(AMD|HABANA|ASCEND)_VISIBLE_DEVICES|ASCEND_RUNTIME_OPTIONS", re.ASCII
)
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)


@dataclass(frozen=True)
class Spec:
    """A session's container as decided: all that may differ between two sessions."""

    user: str
    session: str
    profile: str
    image: str
    command: tuple[str, ...]
    environment: tuple[str, ...]
    memory_bytes: int
    nano_cpus: int
    pids: int
    shm_bytes: int
    log_bytes: int
    drive: bool = False
    """Whether it sees its user's files of Google Drive."""
    courses: tuple[str, ...] = ()
    """Slugs of the courses whose materials it sees."""

    @property
    def home(self) -> str:
        """Name of the user's folder under homes/."""
        return names.escape(self.user)


def container_name(project: str, user: str, session: str) -> str:
    return f"{project}-{names.escape(user)}-{session}"


def decide(name: str, body: dict[str, Any], config: NodeConfig) -> Spec:
    """The session that ``body`` asks for. Raises CarrelError(REFUSED) that names the field.

    ``name`` is the query's parameter. The confinement must be stated in full: a body that says
    less than it gets would be a hub that believes something else than what runs.
    """
    fields = Fields(body, "", Code.REFUSED)
    user, session, profile = _labels(fields.table("Labels"), config)
    if name != container_name(config.project, user, session):
        fields.refuse("name", "must be <project>-<user>-<session>, as the labels say")
    image = fields.take("Image")
    if image not in config.images:
        fields.refuse("Image", "is not one of Carrel's images or listed in settings")
    fields.exactly("Hostname", HOSTNAME)
    fields.exactly("WorkingDir", CONTENT)
    fields.exactly("ExposedPorts", {f"{SERVER_PORT}/tcp": {}})
    for stream in ("AttachStdout", "AttachStderr"):  # a client's habit; body.build says false
        fields.exactly(stream, None, False, True)
    host = fields.table("HostConfig")
    drive, courses = _binds(host, names.escape(user), config)
    memory_bytes = _confinement(host, config)
    spec = Spec(
        user=user,
        session=session,
        profile=profile,
        image=image,
        command=_command(fields),
        environment=_environment(fields),
        memory_bytes=memory_bytes,
        nano_cpus=host.number("NanoCpus", 1, config.limits.nano_cpus_max),
        pids=host.number("PidsLimit", 1, config.limits.pids_max),
        shm_bytes=host.number("ShmSize", 1, config.limits.shm_max_bytes),
        log_bytes=_log_bytes(host.table("LogConfig"), config.limits.log_max_bytes),
        drive=drive,
        courses=courses,
    )
    host.finish(empty_passes=True)
    fields.finish(empty_passes=True)
    return spec


def _labels(labels: Fields, config: NodeConfig) -> tuple[str, str, str]:
    labels.exactly(LABEL_PROJECT, config.project)
    session = labels.text(LABEL_SESSION, SESSION_ID)
    profile = labels.text(LABEL_PROFILE, PROFILE)
    user = labels.text(LABEL_USER, names.USER_NAME.pattern)
    if not is_canonical(user):
        labels.refuse(LABEL_USER, "is not a user's name as Carrel spells it")
    labels.finish(empty_passes=False)
    return user, session, profile


def is_canonical(user: Any) -> bool:
    """Whether ``user`` is a user's name in its one spelling."""
    try:
        return isinstance(user, str) and names.canonical(user) == user
    except CarrelError:
        return False


def _binds(host: Fields, home: str, config: NodeConfig) -> tuple[bool, tuple[str, ...]]:
    """Drive and the courses after the home, which comes first; nothing else is mounted."""
    binds = host.texts("Binds", 2 + MOST_COURSES)
    if not binds or binds[0] != f"{config.homes}/{home}:{CONTENT}:rw":
        host.refuse("Binds", "must begin with the user's home")
    more = binds[1:]
    if drive := more[:1] == (f"{config.drive}/{home}:{DRIVE_INSIDE}:rw",):
        more = more[1:]
    wanted = rf"{re.escape(str(config.courses))}/({COURSE})/{SHARED}:{COURSES_INSIDE}/\1:ro"
    found = [re.fullmatch(wanted, bind, re.ASCII) for bind in more]
    courses = tuple(match[1] for match in found if match)
    if len(set(courses)) != len(more) or len(more) > MOST_COURSES:
        host.refuse(
            "Binds",
            "may hold the user's Drive after the home, and then the materials of courses, each "
            "once, to read",
        )
    return drive, courses


def _confinement(host: Fields, config: NodeConfig) -> int:
    host.exactly("NetworkMode", config.network.name)
    host.exactly("CapDrop", ["ALL"])
    if sorted(host.texts("CapAdd", len(CAPABILITIES))) != sorted(CAPABILITIES):
        host.refuse("CapAdd", f"must be {', '.join(CAPABILITIES)}")
    host.exactly("SecurityOpt", list(SECURITY_OPT))
    host.exactly("Init", True)
    restart = host.take("RestartPolicy") or {}
    if not isinstance(restart, dict) or restart.get("Name") not in (None, "", "no"):
        host.refuse("RestartPolicy", "must be absent or 'no'")
    memory_bytes = host.number("Memory", LEAST_MEMORY_BYTES, config.limits.memory_max_bytes)
    host.exactly("MemorySwap", memory_bytes)
    return memory_bytes


def _log_bytes(log: Fields, most_bytes: int) -> int:
    log.exactly("Type", "json-file")
    options = log.table("Config")
    options.exactly("max-file", "1")
    log_bytes = int(options.text("max-size", r"[1-9][0-9]{0,6}m")[:-1]) * MIB
    if log_bytes > most_bytes:
        options.refuse("max-size", f"must be at most {most_bytes} bytes")
    options.finish(empty_passes=False)
    log.finish(empty_passes=True)
    return log_bytes


def _command(fields: Fields) -> tuple[str, ...]:
    command = fields.texts("Cmd", MOST_COMMAND_ITEMS)
    if sum(len(item.encode()) for item in command) > MOST_TEXT_BYTES:
        fields.refuse("Cmd", f"must be at most {MOST_TEXT_BYTES} bytes")
    return command


def _environment(fields: Fields) -> tuple[str, ...]:
    environment = fields.texts("Env", MOST_VARIABLES)
    if sum(len(item.encode()) for item in environment) > MOST_TEXT_BYTES:
        fields.refuse("Env", f"must be at most {MOST_TEXT_BYTES} bytes")
    for item in environment:
        variable = item.partition("=")[0]
        if not _VARIABLE.fullmatch(variable):
            fields.refuse("Env", "holds a variable whose name cannot be used")
        if DEVICE_VARIABLES.fullmatch(variable.upper()):
            fields.refuse("Env", "holds a variable that hands out devices; node sets those")
    return environment
