"""Makes a Docker engine answer: installs Debian's where there is none, starts one that sleeps."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from hub.cli import compose, look, shell
from spawner.errors import CarrelError, Code

DAEMON_JSON = Path("/etc/docker/daemon.json")
LOG = Path("/var/log/docker.log")
PID_FILES = {
    Path("/var/run/docker.pid"): "dockerd",
    Path("/var/run/docker-ssd.pid"): "dockerd",
    Path("/run/docker/containerd/containerd.pid"): "containerd",
}


def ensure_engine(*, install: bool, say: Callable[[str], None]) -> look.Engine:
    """The engine that answers; started, or installed first, where none does.

    An engine that is there already is only ever started, never reconfigured.
    Raises CarrelError(BAD_INPUT) with the remedy where that is not ours to do.
    """
    engine = look.find_engine()
    if engine is not None:
        return engine
    _refuse_unless_ours(install)
    if not _present("dockerd"):
        say("No Docker engine is installed: installing Debian's docker.io and Compose.")
        remap_users_of_a_new_engine()
        apt_install(_engine_packages())
    elif not _present("docker"):
        apt_install(_engine_packages())
    say("Starting the Docker engine.")
    return _start()


def ensure_compose(*, install: bool, say: Callable[[str], None]) -> compose.Compose | None:
    """Compose, installed by apt where it is missing and we may; None where it stays missing."""
    found = compose.find()
    if found is None and install and _can_install():
        say("Installing Docker Compose.")
        apt_install([_compose_package()])
        found = compose.find()
    return found


def apt_install(packages: list[str]) -> None:
    """Installs Debian packages; raises CarrelError(FAILED) with apt's last line."""
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    shell.run(["apt-get", "update", "-qq"], timeout_s=300, env=env)
    done = shell.run(
        [
            "apt-get",
            "-o",
            "DPkg::Lock::Timeout=300",
            "install",
            "-y",
            "-qq",
            "--no-install-recommends",
            *packages,
        ],
        timeout_s=900,
        env=env,
    )
    if not done.ok:
        raise CarrelError(
            Code.FAILED,
            f"apt-get could not install {' '.join(packages)}: {done.last_line}.",
            "Install them by hand and run the command again.",
        )


def _refuse_unless_ours(install: bool) -> None:
    if look.engine_socket() is None:
        raise CarrelError(
            Code.BAD_INPUT,
            "DOCKER_HOST names an engine that is not on this machine.",
            "Unset it, or set it to unix:///path/of/the/socket.",
        )
    if look.engine_socket() != look.DEFAULT_SOCKET:
        raise CarrelError(
            Code.BAD_INPUT,
            f"No Docker engine answers on {look.engine_socket()} (DOCKER_HOST).",
            "Start that engine, or unset DOCKER_HOST.",
        )
    denied = look.DEFAULT_SOCKET.exists() and not os.access(look.DEFAULT_SOCKET, os.W_OK)
    if denied:
        raise CarrelError(
            Code.BAD_INPUT,
            "This user may not use the Docker engine.",
            "Ask for `adduser USER docker` and log in again, or run ./carrel up as root.",
        )
    if not install:
        raise CarrelError(
            Code.BAD_INPUT,
            "No Docker engine answers, and --no-install was given.",
            "Install and start Docker 20.10 or newer with Compose, then run ./carrel up again.",
        )
    if not _can_install():
        raise CarrelError(
            Code.BAD_INPUT,
            "No Docker engine answers.",
            "Run ./carrel up as root on Debian or Ubuntu and it installs one; elsewhere install "
            "and start Docker 20.10 or newer with Compose.",
        )


def _can_install() -> bool:
    return os.geteuid() == 0 and _present("apt-get") and distribution() in ("debian", "ubuntu")


def distribution() -> str:
    """``debian``, ``ubuntu``, or whatever ID os-release gives."""
    try:
        lines = Path("/etc/os-release").read_text(encoding="utf-8").splitlines()
    except OSError:
        return ""
    return next((ln.partition("=")[2].strip('"') for ln in lines if ln.startswith("ID=")), "")


def _present(program: str) -> bool:
    return shell.run(["sh", "-c", f"command -v {program}"]).ok


def _compose_package() -> str:
    return "docker-compose-v2" if distribution() == "ubuntu" else "docker-compose"


def _engine_packages() -> list[str]:
    packages = ["docker.io", "iptables", _compose_package()]
    shell.run(["apt-get", "update", "-qq"], timeout_s=300)
    # Newer Debian has the client in a package of its own, which docker.io only recommends.
    if shell.run(["apt-cache", "show", "docker-cli"]).ok:
        packages.append("docker-cli")
    return packages


def remap_users_of_a_new_engine() -> None:
    """Turns userns-remap on, for an engine that is about to be installed; keeps what is there.

    Before the package, since its install may start the daemon, and a remap later hides images.
    """
    if not DAEMON_JSON.exists():
        DAEMON_JSON.parent.mkdir(parents=True, exist_ok=True)
        DAEMON_JSON.write_text('{"userns-remap": "default"}\n', encoding="utf-8")


def _start() -> look.Engine:
    if Path("/run/systemd/system").is_dir():
        shell.run(["systemctl", "enable", "--now", "docker"], timeout_s=90)
        return _wait("systemctl status docker")
    remove_stale_pid_files()
    shell.run(["service", "docker", "start"], timeout_s=60)
    engine = _answers_within(10)
    if engine is not None:
        return engine
    # The SysV script raises ulimits first and gives up where it may not; dockerd does without.
    remove_stale_pid_files()
    with LOG.open("ab") as log:
        subprocess.Popen(
            ["dockerd"], stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )
    return _wait(f"tail {LOG}")


def remove_stale_pid_files() -> None:
    """Removes pid files whose process is gone or is another program: they block a start."""
    for path, program in PID_FILES.items():
        try:
            pid = path.read_text(encoding="ascii").strip()
        except OSError:
            continue
        try:
            name = Path(f"/proc/{pid}/comm").read_text(encoding="ascii").strip()
        except OSError:
            name = ""
        if name != program:
            path.unlink(missing_ok=True)


def _answers_within(seconds: float) -> look.Engine | None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        engine = look.find_engine()
        if engine is not None:
            return engine
        time.sleep(0.5)
    return None


def _wait(where_to_look: str) -> look.Engine:
    engine = _answers_within(45)
    if engine is None:
        raise CarrelError(
            Code.FAILED, "The Docker engine did not start.", f"See why with: {where_to_look}"
        )
    return engine
