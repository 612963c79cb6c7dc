"""Decides what a session's container is: image, limits, mounts, network, labels (pure)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from spawner.confinement import (
    CONTENT,
    COURSES,
    COURSES_INSIDE,
    DRIVE,
    DRIVE_INSIDE,
    HOMES,
    LABEL_PROFILE,
    LABEL_PROJECT,
    LABEL_SESSION,
    LABEL_USER,
    MOST_COURSES,
    SHARED,
)
from spawner.names import escape
from spawner.profiles import Grant

COMMAND = (
    "jupyterhub-singleuser",
    # Root of its own container, so that `apt-get` works; confinement makes that harmless.
    "--allow-root",
    f"--ServerApp.root_dir={CONTENT}",
    "--ServerApp.default_url=/lab",
    # For how many seconds it believes what the hub said of a login: those that were ended since are
    # out of the session too. JupyterHub's own is 300.
    "--HubOAuth.cache_max_age=30",
    # Not a login shell: /etc/profile would put Debian's PATH before the notebook's Python.
    "--ServerApp.terminado_settings=shell_command=/bin/bash",
)


@dataclass(frozen=True)
class Site:
    """What holds for every session of this installation."""

    project: str
    data_dir: Path
    """Same path on the host as in our containers."""
    network: str
    pids: int
    shm_bytes: int
    log_mib: int
    environment: Mapping[str, str] = field(default_factory=dict)
    """Handed to every session, for instance a package mirror; holds no secret."""

    def container_name(self, user: str, session_id: str) -> str:
        """Carries the session id, so that a leftover never stands in a later start's way."""
        return f"{self.project}-{escape(user)}-{session_id}"


@dataclass(frozen=True)
class Limits:
    """What a container may use; sizes in bytes."""

    memory_bytes: int
    nano_cpus: int
    """Billionths of a core."""
    pids: int
    shm_bytes: int
    log_mib: int


@dataclass(frozen=True)
class Mount:
    """A host folder inside the container."""

    source: Path
    target: str
    read_only: bool = False


@dataclass(frozen=True)
class Plan:
    """One session's container, before any engine has seen it."""

    name: str
    image: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    limits: Limits
    mounts: tuple[Mount, ...]
    network: str
    labels: Mapping[str, str]


def build(grant: Grant, site: Site, environment: Mapping[str, str]) -> Plan:
    """The container for a grant.

    ``environment`` is what JupyterHub gives the server. It is readable by whoever may inspect
    the container, so the only secret in it is the session's own token.
    """
    profile = grant.profile
    return Plan(
        name=site.container_name(grant.user, grant.session_id),
        image=grant.image,
        command=COMMAND,
        environment={**site.environment, **environment, "HOME": CONTENT, "SHELL": "/bin/bash"},
        limits=Limits(
            memory_bytes=profile.memory_bytes,
            nano_cpus=int(profile.cores * 1_000_000_000),
            pids=site.pids,
            shm_bytes=site.shm_bytes,
            log_mib=site.log_mib,
        ),
        mounts=(
            Mount(site.data_dir / HOMES / escape(grant.user), CONTENT),
            *(
                (Mount(site.data_dir / DRIVE / escape(grant.user), DRIVE_INSIDE),)
                if grant.drive
                else ()
            ),
            *(_course(slug, site) for slug in grant.courses[:MOST_COURSES]),
        ),
        network=site.network,
        labels={
            LABEL_PROJECT: site.project,
            LABEL_SESSION: grant.session_id,
            LABEL_USER: grant.user,
            LABEL_PROFILE: profile.slug,
        },
    )


def _course(slug: str, site: Site) -> Mount:
    source = site.data_dir / COURSES / slug / SHARED
    return Mount(source, f"{COURSES_INSIDE}/{slug}", read_only=True)
