"""A node process on a real engine, with containers to probe from, for test_node_engine."""

from __future__ import annotations

import contextlib
import io
import re
import shutil
import socket
import subprocess
import tarfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import docker
import pytest

ROOT = Path(__file__).resolve().parents[3]
PROJECT, BRIDGE = "nodetest", "nodetest0"
IMAGE = "carrel-nodetest:1"
DRIVE_IMAGE = "carrel-nodetest-drive:1"
HUB, PROXY, GATEWAY = "10.214.0.2", "10.214.0.3", "10.214.0.1"
SERVICE, SERVICE_PORT = "10.214.0.4", 8095
GRACE_S = 4
SIDECAR = """
trap 'echo flushed > /state/end; [[ -e /drive/stubborn ]] || exit 0' TERM
while :; do sleep 0.2 & wait $!; done
"""
"""What stands in for the sidecar's program: flushes when it is asked to end."""
METADATA = "169.254.169.254"
INTERNET, NEIGHBOUR = "203.0.113.9", "203.0.113.1"
"""A host of the outside and this one's address towards it; its range is nobody's (RFC 5737)."""


def namespace(process: int | str) -> int:
    return Path(f"/proc/{process}/ns/net").stat().st_ino


@dataclass
class Running:
    """A node process and what surrounds it."""

    engine: docker.DockerClient
    node: docker.APIClient
    data_dir: Path
    process: subprocess.Popen[bytes]
    log: Path
    session_uid: int = 0

    def create(self, user: str, command: list[str], **host: object) -> str:
        session = user.encode().hex().zfill(12)
        limits = {"Memory": 2**28, "MemorySwap": 2**28, "NanoCpus": 10**9, "PidsLimit": 64}
        made = self.node.create_container(
            IMAGE,
            command=command,
            name=f"{PROJECT}-{user}-{session}",
            hostname="carrel",
            labels={
                "carrel.project": PROJECT,
                "carrel.session": session,
                "carrel.user": user,
                "carrel.profile": "small",
            },
            ports=[8888],
            working_dir="/content",
            host_config={
                **limits,
                "ShmSize": 2**24,
                "CapDrop": ["ALL"],
                "CapAdd": ["CHOWN", "DAC_OVERRIDE", "FOWNER", "SETGID", "SETUID"],
                "SecurityOpt": ["no-new-privileges"],
                "Binds": [f"{self.data_dir}/homes/{user}:/content:rw"],
                "NetworkMode": f"{PROJECT}-sessions",
                "LogConfig": {"Type": "json-file", "Config": {"max-size": "1m", "max-file": "1"}},
                "Init": True,
                **host,
            },
        )
        return str(made["Id"])

    def session(self, user: str, command: list[str] | None = None) -> str:
        """A started session; its container's id."""
        made = self.create(user, command or ["sleep", "600"])
        self.node.start(made)
        return made

    def trusted(self, address: str) -> str:
        """A container with a fixed address on the sessions' network, as hub and proxy are."""
        network = f"{PROJECT}-sessions"
        api = self.engine.api
        endpoint = api.create_endpoint_config(ipv4_address=address)
        made = api.create_container(
            IMAGE,
            ["sleep", "600"],
            labels={"nodetest": "1"},
            host_config=api.create_host_config(network_mode=network, init=True),
            networking_config=api.create_networking_config({network: endpoint}),
        )
        api.start(made["Id"])
        return str(made["Id"])

    def address(self, container: str) -> str:
        networks = self.engine.api.inspect_container(container)["NetworkSettings"]["Networks"]
        return str(networks[f"{PROJECT}-sessions"]["IPAddress"])

    def probe(self, container: str, host: str, port: int) -> str:
        """open, closed or dropped."""
        command = ["timeout", "1", "bash", "-c", f"exec 3<>/dev/tcp/{host}/{port}"]
        code, said = self.engine.containers.get(container).exec_run(command)
        if code == 0:
            return "open"
        if code == 124:
            return "dropped"
        assert b"refused" in said, said
        return "closed"

    def ask(self, path: str) -> dict[str, object]:
        return dict(self.node._result(self.node._get(self.node.base_url + path), True))


def rules(command: str = "iptables-save") -> list[str]:
    """The filter table's rules that speak of this installation, in order."""
    saved = subprocess.run([command, "-t", "filter"], capture_output=True, text=True, check=True)
    ours = f"CARREL-{PROJECT}|FORWARD -j DOCKER-USER"
    return [line for line in saved.stdout.splitlines() if re.match(rf"-A .*({ours})", line)]


def eventually(condition, within_s: float) -> float:
    """Seconds until it held; fails if it does not hold in time."""
    begin = time.monotonic()
    while time.monotonic() - begin < within_s:
        if condition():
            return time.monotonic() - begin
        time.sleep(0.1)
    pytest.fail(f"it did not hold within {within_s} s")


def tiny_image() -> bytes:
    """A root file system of bash and three tools, copied from this machine with their libraries."""
    programs = [shutil.which(name) for name in ("bash", "sleep", "timeout", "cat")]
    listed = subprocess.run(["ldd", *programs], capture_output=True, text=True, check=True).stdout
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", dereference=True) as tar:
        for program in programs:
            tar.add(program, f"usr/bin/{Path(program).name}")
        for library in sorted(set(re.findall(r"(/\S+) \(0x", listed))):
            tar.add(library, library.lstrip("/"))
    return buffer.getvalue()


@contextlib.contextmanager
def listening(address: str) -> Iterator[int]:
    """A TCP listener in this namespace; its port."""
    with socket.create_server((address, 0)) as server:
        port = server.getsockname()[1]

        def accept() -> None:
            with contextlib.suppress(OSError):
                while True:
                    server.accept()[0].close()

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        try:
            yield port
        finally:
            server.shutdown(socket.SHUT_RDWR)
            thread.join(5)


def ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True)


def node_json(data_dir: Path, engine) -> dict[str, object]:
    return {
        "project": PROJECT,
        "data_dir": str(data_dir),
        "engine_socket": str(engine.socket),
        "socket": str(data_dir / "run/node.sock"),
        "hub_uid": engine.session_uid + 1000,
        "session_uid": engine.session_uid,
        "images": [IMAGE],
        "tools_image": IMAGE,
        "drive_image": DRIVE_IMAGE,
        "drive_grace_s": GRACE_S,
        "network": {
            "name": f"{PROJECT}-sessions",
            "bridge": BRIDGE,
            "subnet": "10.214.0.0/22",
            "hub": HUB,
            "proxy": PROXY,
            "hub_port": 8081,
            "allow": [],
            "services": [f"{SERVICE}:{SERVICE_PORT}"],
        },
        "limits": {
            "sessions_max_bytes": 2**32,
            "memory_max_bytes": 2**29,
            "nano_cpus_max": 2 * 10**9,
            "pids_max": 128,
            "shm_max_bytes": 2**26,
            "log_max_bytes": 2**20,
        },
    }


def remove_firewall() -> None:
    """node leaves it in place on purpose; here the next test wants a clean table."""
    for command, parent in (("iptables", "DOCKER-USER"), ("ip6tables", "FORWARD")):
        for chain, entered_from in (("FWD", parent), ("IN", "INPUT")):
            name = f"CARREL-{PROJECT}-{chain}"
            for arguments in (["-D", entered_from, "-j", name], ["-F", name], ["-X", name]):
                subprocess.run([command, "-w", *arguments], capture_output=True, check=False)
