"""Reads what this machine is; changes nothing."""

from __future__ import annotations

import json
import os
import shutil
import socket
import tempfile
from dataclasses import dataclass
from pathlib import Path

from hub.cli import shell

DEFAULT_SOCKET = Path("/var/run/docker.sock")


@dataclass(frozen=True)
class Engine:
    """The Docker engine that answers."""

    version: str
    api_version: str
    socket: Path
    root_dir: Path
    userns_base: int | None
    """First host uid of the remapped range; None where the engine does not remap."""
    rootless: bool
    linux: bool

    @property
    def major(self) -> int:
        return int(self.version.split(".")[0]) if self.version[:1].isdigit() else 0


@dataclass(frozen=True)
class Gpu:
    """One device as NVML names it; memory in bytes."""

    uuid: str
    name: str
    memory_bytes: int


@dataclass(frozen=True)
class Machine:
    """Size of the host; memory and disk in bytes."""

    cores: int
    memory_bytes: int
    disk_free_bytes: int
    gpus: tuple[Gpu, ...]
    gpu_note: str
    """Why the list of GPUs is empty, where it is."""


def engine_socket(environ: dict[str, str] | None = None) -> Path | None:
    """The engine's unix socket; None when DOCKER_HOST names something else."""
    host = (os.environ if environ is None else environ).get("DOCKER_HOST", "")
    if not host:
        return DEFAULT_SOCKET
    return Path(host.removeprefix("unix://")) if host.startswith("unix://") else None


def find_engine() -> Engine | None:
    """The engine that answers on the socket, or None."""
    path = engine_socket()
    if path is None:
        return None
    answer = shell.run(["docker", "info", "--format", "{{json .}}"], timeout_s=20)
    if not answer.ok:
        return None
    info = json.loads(answer.out)
    if not info.get("ServerVersion"):
        return None
    version = shell.run(["docker", "version", "--format", "{{.Server.APIVersion}}"], timeout_s=20)
    options = " ".join(info.get("SecurityOptions") or ())
    root_dir = Path(info["DockerRootDir"])
    return Engine(
        version=info["ServerVersion"],
        api_version=version.out.strip(),
        socket=path,
        root_dir=root_dir,
        userns_base=_userns_base(root_dir) if "name=userns" in options else None,
        rootless="name=rootless" in options,
        linux=info.get("OSType") == "linux",
    )


def _userns_base(root_dir: Path) -> int:
    # With userns-remap the engine keeps its data in <root>/<uid>.<gid> of the remapped root.
    return int(root_dir.name.split(".")[0])


def machine(disk: Path) -> Machine:
    """The host's size; ``disk`` is the folder whose file system counts (it may not exist yet)."""
    gpus, note = _gpus()
    return Machine(
        cores=os.cpu_count() or 1,
        memory_bytes=os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        disk_free_bytes=disk_free_bytes(disk),
        gpus=gpus,
        gpu_note=note,
    )


def disk_free_bytes(folder: Path) -> int:
    """Free bytes of the file system that holds ``folder``, or would once it is made."""
    while True:
        try:
            return shutil.disk_usage(folder).free
        except OSError:  # not there, or not ours to look into: what it lies in will do
            if folder == folder.parent:
                raise
            folder = folder.parent


def _gpus() -> tuple[tuple[Gpu, ...], str]:
    import pynvml

    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError as error:
        return (), f"no NVIDIA driver answers ({error})"
    try:
        handles = [
            pynvml.nvmlDeviceGetHandleByIndex(index) for index in range(pynvml.nvmlDeviceGetCount())
        ]
        found = tuple(
            Gpu(
                uuid=pynvml.nvmlDeviceGetUUID(handle),
                name=pynvml.nvmlDeviceGetName(handle),
                memory_bytes=pynvml.nvmlDeviceGetMemoryInfo(handle).total,
            )
            for handle in handles
        )
    except pynvml.NVMLError as error:
        return (), f"the NVIDIA driver answers with an error ({error})"
    finally:
        pynvml.nvmlShutdown()
    return found, "" if found else "the NVIDIA driver sees no GPU"


def port_free(address: str, port: int) -> bool:
    """Whether a server could listen there now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError:
            return False
    return True


def folder_writable(folder: Path) -> bool:
    """Whether we could make ``folder`` or write in it; tried, since root is always "allowed"."""
    while not folder.exists():
        folder = folder.parent
    try:
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False


def container(name: str) -> dict[str, str] | None:
    """Status, health, image and published ports of one of our containers, or None."""
    answer = shell.run(["docker", "inspect", "--type", "container", name])
    if not answer.ok:
        return None
    found = json.loads(answer.out)[0]
    health = found["State"].get("Health") or {}
    ports = found["HostConfig"].get("PortBindings") or {}
    return {
        "status": found["State"]["Status"],
        "health": health.get("Status", ""),
        "image": found["Config"]["Image"],
        "started_at": found["State"]["StartedAt"],
        "ports": ",".join(b["HostPort"] for bindings in ports.values() for b in bindings or ()),
    }


def routes() -> tuple[str, ...]:
    """IPv4 networks that the host has a route to, but the default, as CIDR, with their device."""
    answer = shell.run(["ip", "-4", "-json", "route"])
    if not answer.ok:
        return ()
    return tuple(
        f"{route['dst']} {route.get('dev', '')}"
        for route in json.loads(answer.out)
        if route.get("dst") not in (None, "default")
    )


def lan_address() -> str:
    """The IPv4 address by which other machines know this one, or empty."""
    answer = shell.run(["ip", "-4", "-json", "route", "show", "default"])
    for route in json.loads(answer.out) if answer.ok and answer.out.strip() else ():
        found = shell.run(["ip", "-4", "-json", "address", "show", "dev", route["dev"]])
        if found.ok:
            return str(json.loads(found.out)[0]["addr_info"][0]["local"])
    return ""
