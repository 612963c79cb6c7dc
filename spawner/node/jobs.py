"""A job: a short-lived container whose standard output is the answer; what may be asked (pure).

Nothing of its create body comes from the caller but what stands in a Job. A *collect* reads a part
of one home, mounted read-only, without a network; a *fetch* takes a git repository from the
sessions' network, whose firewall lets it reach what sessions may reach, and has no mount; an
*install* has pip put a course's extra packages together there, with a session's Python.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from spawner import names
from spawner.confinement import (
    BRANCH,
    GIB,
    LABEL_PROJECT,
    LABEL_USER,
    MIB,
    MOST_REQUIREMENTS_BYTES,
    PROXY_VARIABLES,
    SECURITY_OPT,
)
from spawner.errors import CarrelError, Code
from spawner.node.config import NodeConfig
from spawner.node.fields import Fields

LABEL_JOB = "carrel.job"
HOME_INSIDE = "/home"
MOST_PATH = 1024
MOST_FILE_BYTES = 1024 * MIB
"""Of one file that a collect or a fetch writes."""
_ID = r"[0-9a-f]{12}"
_HOST = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?", re.ASCII)
_PROXY = re.compile(rf"({'|'.join(PROXY_VARIABLES)})=[!-~]{{1,500}}", re.ASCII)
_INSTALL = (Path(__file__).parent / "install.py").read_text(encoding="utf-8")
"""Given along: a session's image knows nothing of ours."""


class Kind(Enum):
    """What a job does."""

    COLLECT = "collect"
    FETCH = "fetch"
    INSTALL = "install"


@dataclass(frozen=True)
class Job:
    """Checked; ``user`` and ``path`` are a collect's, ``url`` and ``branch`` a fetch's, the rest an
    install's."""

    id: str
    kind: Kind
    user: str = ""
    path: str = ""
    url: str = ""
    branch: str = ""
    image: str = ""
    requirements: str = ""
    proxies: tuple[str, ...] = ()

    @property
    def command(self) -> list[str]:
        if self.kind is Kind.INSTALL:
            return ["-I", "-c", _INSTALL, self.requirements]
        program = ["python", "-m", f"spawner.node.{self.kind.value}"]
        if self.kind is Kind.COLLECT:
            return [*program, f"{HOME_INSIDE}", self.path]
        return [*program, self.url, self.branch]


@dataclass(frozen=True)
class _Room:
    """What a kind of job is given. ``file_bytes`` is the most of one file that it writes: git keeps
    what it fetched in one."""

    user: str
    memory_bytes: int = 512 * MIB
    pids: int = 64
    file_bytes: int = MOST_FILE_BYTES
    oom_score: int = 500


_ROOMS = {
    # As the root of sessions, since it reads what that wrote; it may do nothing else.
    Kind.COLLECT: _Room("0:0"),
    Kind.FETCH: _Room("65534:65534"),
    # The image's Python is root's, and pip takes away there what it brings anew. When memory is
    # short, it goes before any session.
    Kind.INSTALL: _Room("0:0", 2 * GIB, 512, 4 * GIB, oom_score=800),
}


def decide(body: dict[str, Any], images: Collection[str] = ()) -> Job:
    """The job that ``body`` asks for; ``images`` are those that sessions may use.

    Raises CarrelError(REFUSED) that names the field.
    """
    fields = Fields(body, "", Code.REFUSED)
    id_ = fields.text("id", _ID)
    kind = Kind(fields.exactly("kind", *(kind.value for kind in Kind)))
    if kind is Kind.COLLECT:
        job = Job(id_, kind, user=_user(fields), path=_path(fields))
    elif kind is Kind.FETCH:
        job = Job(id_, kind, url=_url(fields), branch=fields.text("branch", BRANCH))
    else:
        job = Job(
            id_, kind, image=_image(fields, images), requirements=_requirements(fields),
            proxies=_proxies(fields),
        )  # fmt: skip
    fields.finish(empty_passes=False)
    return job


def container_name(project: str, job: Job) -> str:
    return f"{project}-job-{job.id}"


def create_body(job: Job, config: NodeConfig, cgroup_parent: str = "") -> dict[str, Any]:
    """What the engine is asked to make."""
    collects, installs = job.kind is Kind.COLLECT, job.kind is Kind.INSTALL
    room = _ROOMS[job.kind]
    return {
        "Image": job.image if installs else config.tools_image,
        # A session's image begins with its own program, which is not wanted here.
        **({"Entrypoint": ["python"]} if installs else {}),
        "User": room.user,
        "Cmd": job.command,
        "Env": ["HOME=/tmp", *job.proxies],
        "WorkingDir": "/tmp",  # noqa: S108  the container's own
        "AttachStdout": True,
        "AttachStderr": True,
        "Tty": False,
        "Labels": {LABEL_PROJECT: config.project, LABEL_JOB: job.id}
        | ({LABEL_USER: job.user} if collects else {}),
        "HostConfig": {
            "Privileged": False,
            "CapDrop": ["ALL"],
            "SecurityOpt": list(SECURITY_OPT),
            "NetworkMode": "none" if collects else config.network.name,
            "IpcMode": "private",
            "CgroupnsMode": "private",
            "ReadonlyRootfs": collects,
            "Mounts": [_home(job, config)] if collects else [],
            "Memory": room.memory_bytes,
            "MemorySwap": room.memory_bytes,
            "NanoCpus": 10**9,
            "PidsLimit": room.pids,
            "Ulimits": [{"Name": "fsize", "Soft": room.file_bytes, "Hard": room.file_bytes}],
            "OomScoreAdj": room.oom_score,
            # Its output is streamed to whoever asked, and kept nowhere.
            "LogConfig": {"Type": "none", "Config": {}},
            "Init": True,
            "AutoRemove": False,
            "RestartPolicy": {"Name": "no", "MaximumRetryCount": 0},
            "CgroupParent": cgroup_parent,
        },
    }


def _home(job: Job, config: NodeConfig) -> dict[str, Any]:
    return {
        "Type": "bind",
        "Source": str(config.homes / names.escape(job.user)),
        "Target": HOME_INSIDE,
        "ReadOnly": True,
        "BindOptions": {"Propagation": "rprivate"},
    }


def _user(fields: Fields) -> str:
    user = fields.text("user", names.USER_NAME.pattern)
    try:
        known = names.canonical(user) == user
    except CarrelError:
        known = False
    if not known:
        fields.refuse("user", "is not a user's name as Carrel spells it")
    return user


def _path(fields: Fields) -> str:
    """Of a file or folder within the home, never the home itself."""
    path = fields.take("path")
    if not isinstance(path, str) or len(path.encode(errors="surrogateescape")) > MOST_PATH:
        fields.refuse("path", f"must be a text of at most {MOST_PATH} bytes")
    parts = path.split("/")
    if any(part in {"", ".", ".."} or not part.isprintable() for part in parts):
        fields.refuse("path", "must lead from the home to a file or folder within it")
    return path


def _url(fields: Fields) -> str:
    url = fields.text("url", r"https://[!-~]{1,1000}")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        fields.refuse("url", "must be an https address")
    if not _HOST.fullmatch(host) or parts.username is not None or parts.password is not None:
        fields.refuse("url", "must be an https address with a host and without a password")
    if parts.query or parts.fragment or "\\" in url or port == 0:
        fields.refuse("url", "must have no query and no fragment")
    return url


def _image(fields: Fields, images: Collection[str]) -> str:
    image = fields.take("image")
    if image not in images:
        fields.refuse("image", "is not one that sessions may use")
    return str(image)


def _requirements(fields: Fields) -> str:
    text = fields.take("requirements")
    if not isinstance(text, str) or "\0" in text:
        fields.refuse("requirements", "must be a text")
    if len(text.encode(errors="surrogatepass")) > MOST_REQUIREMENTS_BYTES:
        fields.refuse("requirements", f"must have at most {MOST_REQUIREMENTS_BYTES} bytes")
    return text


def _proxies(fields: Fields) -> tuple[str, ...]:
    proxies = fields.texts("proxies", len(PROXY_VARIABLES))
    if not all(_PROXY.fullmatch(item) for item in proxies):
        fields.refuse("proxies", "must hold the variables of proxies only")
    return proxies
