"""A git branch as a tar: from a real git server with a certificate of its own, and nobody else."""

from __future__ import annotations

import http.server
import io
import os
import ssl
import subprocess
import sys
import tarfile
import threading
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
GIT = {
    **os.environ,
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@example.org",
    "GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@example.org",
}  # fmt: skip


def git(folder, *arguments):
    subprocess.run(["git", "-C", str(folder), *arguments], check=True, env=GIT, capture_output=True)


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """A repository behind git's own server and https; its address and certificate."""
    folder = tmp_path_factory.mktemp("served")
    work = folder / "work"
    work.mkdir()
    git(work, "init", "--quiet", "--initial-branch=main")
    (work / "lab.ipynb").write_text("{}")
    (work / "etc").symlink_to("/etc/passwd")
    git(work, "add", "--all")
    git(work, "commit", "--quiet", "-m", "one")
    git(work, "branch", "week/2")
    git(work, "clone", "--quiet", "--bare", str(work), str(folder / "labs.git"))
    certificate = folder / "cert.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
         "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost",
         "-keyout", str(folder / "key.pem"), "-out", str(certificate)],
        check=True, capture_output=True,
    )  # fmt: skip

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            if self.path.startswith("/away/"):
                where = self.path.replace("/away/", "http://localhost:1/")
                self._answer(302, [("Location", where)], b"")
            elif self.path.startswith("/private/"):
                self._answer(401, [("WWW-Authenticate", "Basic")], b"")
            else:
                self._backend(b"")

        def do_POST(self):
            self._backend(self.rfile.read(int(self.headers.get("Content-Length", 0))))

        def _backend(self, body):
            path, _, query = self.path.partition("?")
            cgi = {
                **GIT,
                "GIT_PROJECT_ROOT": str(folder), "GIT_HTTP_EXPORT_ALL": "1",
                "REQUEST_METHOD": self.command, "PATH_INFO": path, "QUERY_STRING": query,
                "CONTENT_TYPE": self.headers.get("Content-Type", ""),
                "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
                "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
            }  # fmt: skip
            said = subprocess.run(
                ["git", "http-backend"], input=body, env=cgi, capture_output=True, check=False
            ).stdout
            head, _, content = said.partition(b"\r\n\r\n")
            headers = [tuple(line.split(": ", 1)) for line in head.decode().splitlines()]
            status = dict(headers).pop("Status", "200").split()[0]
            self._answer(int(status), [h for h in headers if h[0] != "Status"], content)

        def _answer(self, status, headers, content):
            self.send_response(status)
            for name, value in headers:
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("localhost", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, folder / "key.pem")
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"https://localhost:{server.server_port}", certificate
    server.shutdown()
    server.server_close()


def fetch(served, path, branch=""):
    address, certificate = served
    command = [sys.executable, "-m", "spawner.node.fetch", f"{address}{path}", branch]
    environment = {**os.environ, "SSL_CERT_FILE": str(certificate)}
    return subprocess.run(
        command, cwd=ROOT, capture_output=True, check=False, timeout=120, env=environment
    )


@pytest.mark.parametrize("branch", ["", "main", "week/2"])
def test_a_branch_comes_as_a_tar_without_anything_checked_out(served, branch):
    done = fetch(served, "/labs.git", branch)
    assert done.returncode == 0, done.stderr
    with tarfile.open(fileobj=io.BytesIO(done.stdout)) as tar:
        kinds = {m.name: m.isfile() for m in tar}
    assert kinds == {"home": False, "home/lab.ipynb": True, "home/etc": False}


@pytest.mark.parametrize(
    ("path", "branch", "words"),
    [
        ("/labs.git", "nowhere", "There is no branch 'nowhere'"),
        ("/nothing.git", "", "cannot be fetched"),
        ("/away/labs.git", "", "leads to an address that is no https"),
        ("/private/labs.git", "", "does not exist or is not public"),
    ],
)
def test_a_no_says_why_in_one_line(served, path, branch, words):
    done = fetch(served, path, branch)
    assert done.returncode == 1
    assert done.stdout == b""
    said = done.stderr.decode().strip().splitlines()
    assert words in said[-1]


def test_an_unknown_certificate_is_not_believed(served, tmp_path):
    address, _ = served
    empty = tmp_path / "none.pem"
    empty.write_text("")
    done = fetch((address, empty), "/labs.git")
    assert done.returncode == 1
    assert done.stdout == b""
