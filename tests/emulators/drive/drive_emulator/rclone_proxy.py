"""Leads a program that knows only Google's own hosts to the emulator: an HTTPS proxy with a CA.

``HTTPS_PROXY`` points at it, and its ``ca.pem`` is believed: what is said to Google's hosts is
taken out of TLS and handed to the emulator; all other hosts are refused.
"""

from __future__ import annotations

import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

HOSTS = ("www.googleapis.com", "oauth2.googleapis.com", "accounts.google.com")
_PIECE = 1 << 16


def certify(folder: Path) -> Path:
    """``ca.pem``, and a certificate of it for Google's hosts beside it."""
    names = ",".join(f"DNS:{host}" for host in HOSTS)
    (folder / "names").write_text(f"subjectAltName={names}\n")
    new = ["openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    _run(*new, "-x509", "-days", "2", "-subj", "/CN=Emulated Drive",
         "-addext", "basicConstraints=critical,CA:TRUE",
         "-keyout", folder / "ca-key.pem", "-out", folder / "ca.pem")  # fmt: skip
    _run(*new, "-subj", "/CN=www.googleapis.com",
         "-keyout", folder / "key.pem", "-out", folder / "request.pem")  # fmt: skip
    _run("openssl", "x509", "-req", "-days", "2", "-in", folder / "request.pem",
         "-CA", folder / "ca.pem", "-CAkey", folder / "ca-key.pem", "-CAcreateserial",
         "-extfile", folder / "names", "-out", folder / "cert.pem")  # fmt: skip
    return folder / "ca.pem"


@contextmanager
def proxying(folder: Path, port: int) -> Iterator[str]:
    """The proxy's address; ``folder`` was certified, ``port`` is the emulator's."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    with socket.create_server(("127.0.0.1", 0), backlog=128) as listening:
        thread = threading.Thread(target=_accept, args=(listening, context, port))
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            listening.shutdown(socket.SHUT_RDWR)
            thread.join()


def _accept(listening: socket.socket, context: ssl.SSLContext, port: int) -> None:
    while True:
        try:
            client, _ = listening.accept()
        except OSError:
            return
        threading.Thread(target=_carry, args=(client, context, port), daemon=True).start()


def _carry(client: socket.socket, context: ssl.SSLContext, port: int) -> None:
    with client, suppress(OSError, ValueError):
        head = b""
        while b"\r\n\r\n" not in head and len(head) < _PIECE:
            piece = client.recv(_PIECE)
            if not piece:
                return
            head += piece
        words = head.split(b"\r\n")[0].decode("latin-1").split()
        if words[:1] != ["CONNECT"] or words[1].partition(":")[0] not in HOSTS:
            client.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
            return
        client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        with (
            context.wrap_socket(client, server_side=True) as inside,
            socket.create_connection(("127.0.0.1", port)) as emulator,
        ):
            back = threading.Thread(target=_pump, args=(emulator, inside), daemon=True)
            back.start()
            _pump(inside, emulator)
            back.join()


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError, ValueError):
        while data := source.recv(_PIECE):
            sink.sendall(data)
    for end in (source, sink):
        with suppress(OSError, ValueError):
            end.shutdown(socket.SHUT_RDWR)


def _run(*command: object) -> None:
    subprocess.run([str(part) for part in command], check=True, capture_output=True)
