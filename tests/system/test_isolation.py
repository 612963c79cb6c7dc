"""What a session reaches, and what reaches a session: probed from inside real containers.

Every forbidden address is planted first: an alias or a listener in the tests' own network
namespace, so that a probe that got through would be seen, and nothing leaves this machine.
"""

from __future__ import annotations

import contextlib
import http.server
import json
import subprocess
import threading
import time

import pytest

pytestmark = [pytest.mark.engine, pytest.mark.timeout(600)]

PROBE = """
import socket, sys
kind, host, port = sys.argv[1], sys.argv[2], int(sys.argv[3])
family = socket.AF_INET6 if ":" in host else socket.AF_INET
if kind == "tcp":
    with socket.socket(family, socket.SOCK_STREAM) as s:
        s.settimeout(3)
        s.connect((host, port))
else:
    with socket.socket(family, socket.SOCK_DGRAM) as s:
        s.settimeout(3)
        s.sendto(b"?", (host, port))
        s.recv(10)
print("REACHED")
"""
METADATA = "169.254.169.254"
LAN = "192.168.77.1"


@pytest.fixture(scope="module")
def two(installation):
    """Two students with a session each."""
    for name in ("iso1", "iso2"):
        installation.add_user(name)
    names = [installation.start_session(name) for name in ("iso1", "iso2")]
    yield names
    for name in ("iso1", "iso2"):
        installation.carrel("session", "stop", name)


@contextlib.contextmanager
def planted(address: str):
    """An address of this namespace's loopback with a web server on it; yields its port."""
    add = ["ip", "address", "add", f"{address}/32", "dev", "lo"]
    subprocess.run(add, check=True, capture_output=True)
    server = http.server.HTTPServer((address, 0), http.server.SimpleHTTPRequestHandler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        subprocess.run(["ip", "address", "delete", f"{address}/32", "dev", "lo"], check=True)


def reaches(installation, container, host, port, kind="tcp"):
    code, said = installation.inside(
        container, "/opt/carrel/venv/bin/python", "-c", PROBE, kind, host, str(port)
    )
    assert ("REACHED" in said) == (code == 0), said
    return code == 0


def test_a_session_reaches_the_hubs_api_and_the_internet(installation, two):
    assert reaches(installation, two[0], installation.address("ctest-hub"), 8081)
    code, said = installation.inside(
        two[0], "/opt/carrel/venv/bin/pip", "download", "--no-deps", "--dest", "/tmp", "six"
    )
    assert code == 0, said


def test_two_sessions_never_reach_one_another(installation, two):
    for here, there in (two, two[::-1]):
        assert not reaches(installation, here, installation.address(there), 8888)
    # The listener is there: the proxy, which may, reaches it.
    script = f"require('net').connect(8888, '{installation.address(two[0])}')"
    script += ".on('connect', () => process.exit(0)).on('error', () => process.exit(1))"
    code, _ = installation.inside("ctest-proxy", "node", "-e", script)
    assert code == 0


def test_a_session_reaches_no_other_port_of_hub_and_proxy(installation, two):
    proxy = installation.address("ctest-proxy")
    assert not reaches(installation, two[0], proxy, 8001), "the proxy's API"
    assert not reaches(installation, two[0], proxy, 8000)
    assert reaches(installation, "ctest-hub", proxy, 8001), "the API does listen there"


def test_a_session_reaches_no_control_network(installation, two):
    found = json.loads(installation.engine.docker("inspect", "ctest-web", "ctest-proxy"))
    for container, port in zip(found, (8600, 8001), strict=True):
        address = container["NetworkSettings"]["Networks"]["ctest-control"]["IPAddress"]
        assert not reaches(installation, two[0], address, port)
        assert reaches(installation, "ctest-hub", address, port)


def test_a_session_reaches_no_metadata_service(installation, two):
    with planted(METADATA) as port:
        assert not reaches(installation, two[0], METADATA, port)
        subprocess.run(
            ["curl", "-sf", f"http://{METADATA}:{port}/"], check=True, stdout=subprocess.DEVNULL
        )


def test_a_session_reaches_no_private_address(installation, two):
    with planted(LAN) as port:
        assert not reaches(installation, two[0], LAN, port)
        subprocess.run(
            ["curl", "-sf", f"http://{LAN}:{port}/"], check=True, stdout=subprocess.DEVNULL
        )


def test_a_session_reaches_no_port_of_the_host(installation, two):
    gateway = ".".join([*installation.address(two[0]).split(".")[:2], "0", "1"])
    bridge = subprocess.run(
        ["ip", "-4", "-o", "address", "show", "ctest0"], capture_output=True, text=True, check=True
    ).stdout
    assert gateway in bridge
    server = http.server.HTTPServer(("0.0.0.0", 0), http.server.SimpleHTTPRequestHandler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        for address in (gateway, "10.198.77.2", "172.17.0.1"):
            assert not reaches(installation, two[0], address, server.server_port), address
        assert not reaches(installation, two[0], "10.198.77.2", 8000), "the published port"
    finally:
        server.shutdown()
        server.server_close()


def test_the_host_side_of_a_session_is_closed_to_other_containers(installation, two):
    base = installation.engine.docker("inspect", "--format", "{{.Config.Image}}", two[0]).strip()
    done = subprocess.run(
        ["docker", "run", "--rm", base, "python", "-c", PROBE, "tcp",
         installation.address(two[0]), "8888"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert "REACHED" not in done.stdout
    assert "timed out" in done.stderr or "refused" in done.stderr, done.stderr


def test_the_firewall_comes_back_within_ten_seconds(installation, two):
    with planted(LAN) as port:
        for chain in ("DOCKER-USER", "INPUT"):
            subprocess.run(["iptables", "--flush", chain], check=True)
        time.sleep(10)
        assert not reaches(installation, two[0], LAN, port)
        assert not reaches(installation, two[0], installation.address(two[1]), 8888)


def test_a_session_sees_neither_databases_nor_secrets_nor_other_homes(installation, two):
    code, said = installation.inside(two[0], "sh", "-c", "cat /proc/mounts; ls /srv /run 2>&1")
    assert code == 0
    for word in ("secrets", "docker.sock", "node.sock", "iso2", "/db"):
        assert word not in said, said


def test_a_session_has_the_limits_and_the_confinement_of_its_profile(installation, two):
    host = json.loads(installation.engine.docker("inspect", two[0]))[0]["HostConfig"]
    assert host["Memory"] == host["MemorySwap"] == 1024**3
    assert host["NanoCpus"] == 1_000_000_000
    assert host["PidsLimit"] == 1024
    assert host["CapDrop"] == ["ALL"]
    assert sorted(host["CapAdd"]) == ["CHOWN", "DAC_OVERRIDE", "FOWNER", "SETGID", "SETUID"]
    assert host["SecurityOpt"] == ["no-new-privileges"]
    code, said = installation.inside(
        two[0], "sh", "-c", "grep -E 'CapEff|NoNewPrivs' /proc/1/status"
    )
    assert code == 0
    assert "NoNewPrivs:\t1" in said


VALID = """
import os
from pathlib import Path
import docker
from hub import installation
from spawner import container, plan
from spawner.profiles import Grant
carrel = installation.load(Path(os.environ["CARREL_ETC"]))
profile = carrel.catalog().profiles[0]
grant = Grant("0123456789ab", "attacker", profile, carrel.images["base"])
body = container.kwargs(plan.build(grant, carrel.site(), {}))
host = body["host_config"]
client = docker.APIClient(f"unix://{carrel.settings.data_dir}/run/node.sock", "1.41")
"""
CREATE = "client.create_container(**body)"


class TestTheHubIsLost:
    """Somebody has a shell in the hub container: what node's socket still does not allow."""

    BODIES = (
        ("host['Privileged'] = True", "Privileged"),
        ("host['Binds'] = ['/:/host']", "Binds"),
        ("host['Binds'].append(f'{carrel.settings.data_dir}/secrets:/s')", "Binds"),
        ("host['PidMode'] = 'host'", "PidMode"),
        ("host['CapAdd'].append('SYS_ADMIN')", "CapAdd"),
        ("host['NetworkMode'] = 'host'", "NetworkMode"),
        ("host['Devices'] = [{'PathOnHost': '/dev/kmsg'}]", "Devices"),
        ("body['image'] = 'carrel/debian:trixie'", "Image"),
    )
    CALLS = (
        "client.exec_create('ctest-node', 'id')",
        "client.inspect_container('ctest-node')",
        "client.stop('ctest-node')",
        "client.remove_container('ctest-proxy', force=True)",
        "client.create_volume('v', driver_opts={'type': 'none', 'o': 'bind', 'device': '/'})",
        "client.pull('debian', 'latest')",
    )

    def attack(self, installation, script, user="60751"):
        return installation.inside("ctest-hub", "python", "-c", VALID + script, user=user)

    def containers(self, installation):
        return installation.engine.docker("ps", "--all", "--format", "{{.Names}} {{.Status}}")

    def test_the_unchanged_body_is_accepted(self, installation, two):
        """Else the refusals below would show nothing."""
        code, said = self.attack(installation, f"made = {CREATE}\nclient.remove_container(made)")
        assert code == 0, said

    @pytest.mark.parametrize(("change", "field"), BODIES)
    def test_a_body_with_one_thing_more_is_refused_by_name(self, installation, two, change, field):
        code, said = self.attack(installation, f"{change}\n{CREATE}")
        assert code != 0
        assert "403" in said
        assert field in said.split("403")[-1], said
        assert "attacker" not in self.containers(installation)

    @pytest.mark.parametrize("call", CALLS)
    def test_no_other_call_is_taken(self, installation, two, call):
        code, said = self.attack(installation, call)
        assert code != 0
        assert "403" in said, said
        listing = self.containers(installation)
        assert "ctest-node Up" in listing
        assert "ctest-proxy Up" in listing

    def test_a_root_shell_cannot_even_open_the_socket(self, installation, two):
        code, said = self.attack(installation, CREATE, user="0")
        assert code != 0
        assert "Permission denied" in said
        assert "attacker" not in self.containers(installation)

    def test_the_engines_own_socket_is_not_there(self, installation, two):
        code, said = installation.inside(
            "ctest-hub", "ls", "/var/run/docker.sock", "/run/docker.sock", user="0"
        )
        assert code != 0, said
