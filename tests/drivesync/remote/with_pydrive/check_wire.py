"""Requests are sent once; connections are TLS with the system's certificates, through proxies."""

from __future__ import annotations

import contextlib
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from conftest import Drive, Uploads
from drivesync import faults, google, wire
from drivesync.bucket import Buckets
from drivesync.remote import DriveRemote, make_remote

ANSWER = b'HTTP/1.1 200 OK\r\nContent-Length: 22\r\n\r\n{"startPageToken":"7"}'
Play = Callable[[socket.socket], None]


class Stage:
    """A server that does with each connection what the next act says."""

    def __init__(self, *acts: Play) -> None:
        self._acts = acts
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}/"
        self.connections = 0
        self._thread = threading.Thread(target=self._play)

    def __enter__(self) -> Stage:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.join(10)
        self._listener.close()

    def _play(self) -> None:
        self._listener.settimeout(8)
        for act in self._acts:
            connection, _ = self._listener.accept()
            self.connections += 1
            with connection:
                act(connection)


def ask(connection: socket.socket) -> bytes:
    found = b""
    while b"\r\n\r\n" not in found:
        more = connection.recv(65536)
        if not more:
            break
        found += more
    return found


def answers(connection: socket.socket) -> None:
    ask(connection)
    connection.sendall(ANSWER)


def hangs_up(connection: socket.socket) -> None:
    ask(connection)


@contextlib.contextmanager
def at(url: str, timeout_s: float = 5.0) -> Iterator[DriveRemote]:
    def access() -> tuple[str, datetime]:
        return "token", datetime.now(UTC) + timedelta(hours=1)

    remote = make_remote(url, access, Uploads(), Buckets(1000, 1000), timeout_s)
    yield remote
    remote.close()


def test_a_connection_that_the_server_ended_meanwhile_is_not_used_for_a_write() -> None:
    with Stage(answers, hangs_up) as stage, at(stage.url) as remote:
        assert remote.cursor() == "7"
        time.sleep(0.1)
        # Had it gone out on the old connection, the second act would never be played.
        with pytest.raises(faults.Lost):
            remote.create_folder("id", "root", "f")
    assert stage.connections == 2


@pytest.mark.parametrize("act", [hangs_up, lambda connection: None])
def test_a_write_is_sent_on_one_connection_once(act: Play) -> None:
    with Stage(act) as stage, at(stage.url) as remote, pytest.raises(faults.Lost):
        remote.create_folder("id", "root", "f")
    assert stage.connections == 1


def test_a_server_that_says_nothing_is_lost_in_time() -> None:
    began = time.monotonic()

    def silent(connection: socket.socket) -> None:
        ask(connection)
        time.sleep(1)

    with Stage(silent) as stage, at(stage.url, timeout_s=0.3) as remote:
        with pytest.raises(faults.Lost):
            remote.create_folder("id", "root", "f")
        assert time.monotonic() - began < 1


def test_nobody_there_is_lost_too() -> None:
    with at("http://127.0.0.1:9/") as remote, pytest.raises(faults.Lost):
        remote.create_folder("id", "root", "f")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tls")
    command = [
        "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
        "-nodes", "-days", "2", "-subj", "/CN=localhost",
        "-addext", "subjectAltName=DNS:localhost",
        "-keyout", folder / "key.pem", "-out", folder / "cert.pem",
    ]  # fmt: skip
    subprocess.run(command, check=True, capture_output=True)
    return folder


@pytest.fixture
def tls(drive: Drive, certificate: Path) -> Iterator[int]:
    """A port that speaks TLS and hands on to the emulator."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate / "cert.pem", certificate / "key.pem")
    port = int(drive.url.rsplit(":", 1)[1])
    with _relay(lambda c: context.wrap_socket(c, server_side=True), lambda _: port) as (relay, _):
        yield relay


@contextlib.contextmanager
def _relay(
    greet: Callable[[socket.socket], socket.socket], where: Callable[[socket.socket], int]
) -> Iterator[tuple[int, list[int]]]:
    listener = socket.create_server(("127.0.0.1", 0))
    seen: list[int] = []

    def pump(source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                target.sendall(data)
        for end in (source, target):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def serve(connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError), greet(connection) as greeted:
            port = where(greeted)
            seen.append(port)
            with socket.create_connection(("127.0.0.1", port)) as target:
                back = threading.Thread(target=pump, args=(target, greeted))
                back.start()
                pump(greeted, target)
                back.join()

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listener.accept()
                threading.Thread(target=serve, args=(connection,), daemon=True).start()

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    yield listener.getsockname()[1], seen
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    thread.join()


@pytest.fixture
def trusted(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """As when an institution added its own authority to the system's."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate / "cert.pem"))
    wire._tls.cache_clear()
    yield
    wire._tls.cache_clear()


def test_tls_is_spoken_with_the_systems_certificates(drive: Drive, tls: int, trusted: None) -> None:
    drive.url = f"https://localhost:{tls}"
    assert drive.another().account().root == drive.root


def test_a_certificate_that_the_system_does_not_know_is_refused(drive: Drive, tls: int) -> None:
    wire._tls.cache_clear()
    drive.url = f"https://localhost:{tls}"
    with pytest.raises(faults.Lost, match="CERTIFICATE_VERIFY_FAILED"):
        drive.another().create_folder("id", "root", "f")


def test_a_certificate_of_another_name_is_refused(drive: Drive, tls: int, trusted: None) -> None:
    drive.url = f"https://127.0.0.1:{tls}"
    with pytest.raises(faults.Lost, match="CERTIFICATE_VERIFY_FAILED"):
        drive.another().create_folder("id", "root", "f")


def test_the_proxy_of_the_environment_is_used(
    drive: Drive, tls: int, trusted: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    heads: list[bytes] = []

    def connect(client: socket.socket) -> int:
        heads.append(ask(client))
        client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        return int(heads[-1].split()[1].rsplit(b":", 1)[1])

    with _relay(lambda connection: connection.dup(), connect) as (proxy, seen):
        monkeypatch.setenv("https_proxy", f"http://me:secret@127.0.0.1:{proxy}")
        for name in ("no_proxy", "NO_PROXY"):
            monkeypatch.delenv(name, raising=False)
        drive.url = f"https://localhost:{tls}"
        assert drive.another().account().root == drive.root
        assert b"Proxy-Authorization: Basic bWU6c2VjcmV0" in heads[0]
        monkeypatch.setenv("no_proxy", "localhost")
        assert drive.another().account().root == drive.root
    assert seen == [tls]


def test_only_what_is_used_of_googles_description_is_built() -> None:
    service = google.connect("http://127.0.0.1:9/", lambda: ("", datetime.now(UTC)), 1).auth.service
    assert not hasattr(service.files(), "delete")
    assert not hasattr(service, "permissions")
