"""Runs the tests beside a living installation: with an engine and a network of their own.

The tests' engine is a second dockerd with its own data root, socket and network namespace, so
that no test can touch the host's engine, ports or firewall. Debian's packages bring what is
missing; nothing is skipped.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hub.cli import engine as host_engine
from spawner.errors import CarrelError
from tests.drivesync import venv
from tests.images import proxy_program
from tests.oidc import provider

ROOT = Path(__file__).resolve().parents[1]
NAMESPACE = "carreltest"
OUTSIDE, INSIDE = "cartest0", "cartest1"
OUTSIDE_ADDRESS, INSIDE_ADDRESS = "10.198.77.1", "10.198.77.2"
STATE = Path(os.environ.get("CARREL_TEST_ENGINE", "/var/lib/carrel-test"))
EXEC_ROOT = Path("/run/carrel-test")
SOCKET = EXEC_ROOT / "docker.sock"
PID_FILE = EXEC_ROOT / "dockerd.pid"
DAEMON_JSON = EXEC_ROOT / "daemon.json"
LOG = STATE / "dockerd.log"
IP_FORWARD = Path("/proc/sys/net/ipv4/ip_forward")

NOT_QUICK = (
    "engine", "browser", "database", "postgres", "process", "provider", "proxy", "pydrive",
    "session", "soak",
)  # fmt: skip

PACKAGES = {
    "dockerd": "docker.io",
    "iptables": "iptables",
    "ip": "iproute2",
    "debootstrap": "debootstrap",
    "chromium": "chromium",
    "nsenter": "util-linux",
    "curl": "curl",
    "git": "git",
    "gcc": "gcc",
    "openssl": "openssl",
    "rclone": "rclone",
    "shellcheck": "shellcheck",
}


def main() -> int:
    """Parses the command line and runs pytest where it belongs; returns its exit code."""
    parser = argparse.ArgumentParser(prog="carrel test", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="the pure ones, with no engine")
    parser.add_argument("--all", action="store_true", help="the long soaks too")
    options, rest = parser.parse_known_args()
    if options.quick:
        marks = f"not ({' or '.join(NOT_QUICK + (('root',) if os.geteuid() != 0 else ()))})"
        return _pytest(["-m", marks, *rest], prefix=[])
    if os.geteuid() != 0:
        print(
            "carrel test: the tests start an engine of their own and need root. "
            "Without: ./carrel test --quick",
            file=sys.stderr,
        )
        return 2
    install_packages()
    # Before the way into the namespace, where not every host's package index can be reached.
    provider.python()
    venv.python()
    proxy_program.folder()
    marks = [] if options.all else ["-m", "not soak"]
    with network(), engine():
        return _pytest([*marks, *rest], prefix=_inside())


def _pytest(arguments: list[str], prefix: list[str]) -> int:
    env = {k: v for k, v in os.environ.items() if not k.startswith("CARREL_") or k == "CARREL_VENV"}
    env |= {"DOCKER_HOST": f"unix://{SOCKET}", "CARREL_TEST_ENGINE": str(STATE)}
    command = [*prefix, sys.executable, "-m", "pytest", *arguments]
    return subprocess.run(command, cwd=ROOT, env=env, check=False).returncode


def install_packages() -> None:
    """Installs what is missing, with apt."""
    missing = {package for program, package in PACKAGES.items() if not shutil.which(program)}
    if not list(Path("/usr/lib/postgresql").glob("*/bin/initdb")):
        missing.add("postgresql")
    if not shutil.which("docker"):
        missing.add("docker-cli" if _known("docker-cli") else "docker.io")
    if not shutil.which("docker-compose"):
        missing.add("docker-compose")
    if not missing:
        return
    print(f"carrel test: installing {' '.join(sorted(missing))}", flush=True)
    if "docker.io" in missing:
        # The package starts an engine that `up` will find there: as `up` would have made it.
        host_engine.remap_users_of_a_new_engine()
    try:
        host_engine.apt_install(sorted(missing))
    except CarrelError as error:
        raise SystemExit(f"carrel test: {error}") from error


def _known(package: str) -> bool:
    return _run(["apt-cache", "show", package]).returncode == 0


@contextmanager
def network() -> Iterator[None]:
    """A network namespace that reaches the outside through this host, and is gone afterwards."""
    _remove_network()
    # Left on afterwards: an engine that was started meanwhile counts on it, as engines do.
    IP_FORWARD.write_text("1", encoding="ascii")
    _must(["ip", "netns", "add", NAMESPACE])
    _must(["ip", "link", "add", OUTSIDE, "type", "veth", "peer", "name", INSIDE])
    _must(["ip", "link", "set", INSIDE, "netns", NAMESPACE])
    _must(["ip", "address", "add", f"{OUTSIDE_ADDRESS}/30", "dev", OUTSIDE])
    _must(["ip", "link", "set", OUTSIDE, "up"])
    inside = ["ip", "-n", NAMESPACE]
    _must([*inside, "address", "add", f"{INSIDE_ADDRESS}/30", "dev", INSIDE])
    _must([*inside, "link", "set", INSIDE, "up"])
    _must([*inside, "link", "set", "lo", "up"])
    _must([*inside, "route", "add", "default", "via", OUTSIDE_ADDRESS])
    for rule in _host_rules():
        _must(["iptables", "--wait", rule[0], "-I", *rule[1:]])
    try:
        yield
    finally:
        _remove_network()


def _host_rules() -> list[list[str]]:
    return [
        ["--table=nat", "POSTROUTING", "-s", f"{INSIDE_ADDRESS}/32", "-j", "MASQUERADE"],
        ["--table=filter", "FORWARD", "-i", OUTSIDE, "-j", "ACCEPT"],
        ["--table=filter", "FORWARD", "-o", OUTSIDE, "-j", "ACCEPT"],
    ]


def _remove_network() -> None:
    for rule in _host_rules():
        while _run(["iptables", "--wait", rule[0], "-D", *rule[1:]]).returncode == 0:
            pass
    _run(["ip", "link", "delete", OUTSIDE])
    _run(["ip", "netns", "delete", NAMESPACE])


def _inside() -> list[str]:
    # `ip netns exec` would hide the cgroups; nsenter leaves the mounts as they are.
    return ["nsenter", f"--net=/run/netns/{NAMESPACE}"]


@contextmanager
def engine() -> Iterator[None]:
    """The tests' dockerd, with no containers left of earlier runs; images are kept."""
    _stop_leftover()
    _remove_exec_root()
    EXEC_ROOT.mkdir(parents=True)
    STATE.mkdir(parents=True, exist_ok=True)
    # The host's daemon.json is the host's engine's business.
    DAEMON_JSON.write_text("{}", encoding="ascii")
    with LOG.open("wb") as log:
        process = subprocess.Popen(command(), stdout=log, stderr=log, start_new_session=True)
    try:
        _wait_for_engine(process)
        for container in _docker("ps", "--all", "--quiet").split():
            _docker("rm", "--force", "--volumes", container)
        _docker("network", "prune", "--force")
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
        # A test that killed it has started another one.
        _stop_leftover()


def command() -> list[str]:
    """What starts the tests' dockerd."""
    return [
        *_inside(), "dockerd",
        "--config-file", str(DAEMON_JSON),
        "--data-root", str(STATE / "docker"),
        "--exec-root", str(EXEC_ROOT / "exec"),
        "--pidfile", str(PID_FILE),
        "--host", f"unix://{SOCKET}",
        "--userns-remap", "default",
        *(part for server in _dns() for part in ("--dns", server)),
    ]  # fmt: skip


def _remove_exec_root() -> None:
    # An engine leaves the mount of its own namespace behind, one that was killed leaves more.
    mounts = [line.split()[1] for line in Path("/proc/self/mounts").read_text().splitlines()]
    for mount in sorted((m for m in mounts if Path(m).is_relative_to(EXEC_ROOT)), reverse=True):
        _run(["umount", "--lazy", mount])
    shutil.rmtree(EXEC_ROOT, ignore_errors=True)


def _dns() -> list[str]:
    """The host's resolvers, where the usual file names only a loopback one."""
    for file in (Path("/etc/resolv.conf"), Path("/run/systemd/resolve/resolv.conf")):
        if file.exists():
            lines = file.read_text(encoding="utf-8").splitlines()
            servers = [ln.split()[1] for ln in lines if ln.startswith("nameserver ")]
            usable = [server for server in servers if not server.startswith("127.")]
            if usable:
                return usable
    return []


def _wait_for_engine(process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        if process.poll() is not None:
            break
        if _run(["docker", "-H", f"unix://{SOCKET}", "version"]).returncode == 0:
            return
        time.sleep(0.2)
    tail = LOG.read_text(errors="replace")[-2000:]
    raise SystemExit(f"carrel test: the tests' engine did not start:\n{tail}")


def _stop_leftover() -> None:
    """Ends the engine of a test run that was killed; its pid is believed only if it is one."""
    try:
        pid = int(PID_FILE.read_text(encoding="ascii"))
        arguments = Path(f"/proc/{pid}/cmdline").read_bytes()
    except (OSError, ValueError):
        return
    if str(PID_FILE).encode() in arguments:
        os.kill(pid, signal.SIGTERM)
        for _ in range(150):
            if not Path(f"/proc/{pid}").exists():
                return
            time.sleep(0.2)


def _docker(*arguments: str) -> str:
    return _run(["docker", "-H", f"unix://{SOCKET}", *arguments]).stdout


def _run(command: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False)


def _must(command: list[str]) -> None:
    done = _run(command)
    if done.returncode != 0:
        raise SystemExit(f"carrel test: {' '.join(command)}: {done.stderr.strip()[-2000:]}")


if __name__ == "__main__":
    sys.exit(main())
