"""A job: a short-lived container whose standard output is the answer; what may be asked (pure).

Nothing of its create body comes from the caller but what stands in a Job. A *collect* reads a part
of one home, mounted read-only, without a network; a *fetch* takes a git repository from the
sessions' network, whose firewall lets it reach what sessions may reach, and has no mount.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from typing import Any
from urllib.parse import urlsplit

from spawner import names
from spawner.confinement import BRANCH, LABEL_PROJECT, LABEL_USER, MIB, SECURITY_OPT
from spawner.errors import CarrelError, Code
from spawner.node.config import NodeConfig
from spawner.node.fields import Fields

LABEL_JOB = "carrel.job"
HOME_INSIDE = "/home"
MOST_PATH = 1024
MEMORY_BYTES = 512 * MIB
PIDS = 64
MOST_FILE_BYTES = 1024 * MIB
"""Of one file that a job writes; git keeps what it fetched in one."""
_ID = r"[0-9a-f]{12}"
_HOST = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?", re.ASCII)


class Kind(Enum):
    """What a job does."""

    COLLECT = "collect"
    FETCH = "fetch"


@dataclass(frozen=True)
class Job:
    """Checked; ``user`` and ``path`` are a collect's, ``url`` and ``branch`` a fetch's."""

    id: str
    kind: Kind
    user: str = ""
    path: str = ""
    url: str = ""
    branch: str = ""

    @property
    def command(self) -> list[str]:
        program = ["python", "-m", f"spawner.node.{self.kind.value}"]
        if self.kind is Kind.COLLECT:
            return [*program, f"{HOME_INSIDE}", self.path]
        return [*program, self.url, self.branch]


def decide(body: dict[str, Any]) -> Job:
    """The job that ``body`` asks for. Raises CarrelError(REFUSED) that names the field."""
    fields = Fields(body, "", Code.REFUSED)
    id_ = fields.text("id", _ID)
    kind = Kind(fields.exactly("kind", *(kind.value for kind in Kind)))
    if kind is Kind.COLLECT:
        job = Job(id_, kind, user=_user(fields), path=_path(fields))
    else:
        job = Job(id_, kind, url=_url(fields), branch=fields.text("branch", BRANCH))
    fields.finish(empty_passes=False)
    return job


def container_name(project: str, job: Job) -> str:
    return f"{project}-job-{job.id}"


def create_body(job: Job, config: NodeConfig, cgroup_parent: str = "") -> dict[str, Any]:
    """What the engine is asked to make."""
    collects = job.kind is Kind.COLLECT
    return {
        "Image": config.tools_image,
        # A collect reads what a session's root wrote, as that root; it may do nothing else.
        "User": "0:0" if collects else "65534:65534",
        "Cmd": job.command,
        "Env": ["HOME=/tmp"],
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
            "Memory": MEMORY_BYTES,
            "MemorySwap": MEMORY_BYTES,
            "NanoCpus": 10**9,
            "PidsLimit": PIDS,
            "Ulimits": [{"Name": "fsize", "Soft": MOST_FILE_BYTES, "Hard": MOST_FILE_BYTES}],
            "OomScoreAdj": 500,
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
