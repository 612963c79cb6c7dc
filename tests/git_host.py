"""``python -m tests.git_host FOLDER ADDRESS PORT``: a git host that stands in for the public one.

Over https, with real git behind it. ``<owner>/<name>.git`` in the folder are its repositories:
cloned as everywhere, and ``/<owner>/<name>/raw/<ref>/<path>`` is one file. Public is what holds
``git-daemon-export-ok``, as git has it; who asks for another is led to a page to log in.
``cert.pem`` and ``key.pem`` lie in the folder too.
"""

from __future__ import annotations

import http.server
import os
import re
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import unquote

GIT = {
    **os.environ,
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@example.org",
    "GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@example.org",
}  # fmt: skip
_RAW = re.compile(r"/([\w.-]+/[\w.-]+)/raw/([\w.-]+)/(.+)")
_PIECE = 1 << 16


def git(folder: Path, *arguments: str) -> None:
    subprocess.run(["git", "-C", str(folder), *arguments], check=True, env=GIT, capture_output=True)


def publish(folder: Path, name: str, files: dict[str, str], *, public: bool = True) -> Path:
    """A repository of the host with one commit on main; gives its work tree, which pushes to it."""
    bare, work = folder / f"{name}.git", folder / "work" / name
    work.mkdir(parents=True)
    git(work, "init", "--quiet", "--initial-branch=main")
    git(folder, "init", "--quiet", "--bare", "--initial-branch=main", str(bare))
    git(work, "remote", "add", "origin", str(bare))
    if public:
        (bare / "git-daemon-export-ok").touch()
    commit(work, files)
    return work


def commit(work: Path, files: dict[str, str]) -> None:
    for path, text in files.items():
        (work / path).parent.mkdir(parents=True, exist_ok=True)
        (work / path).write_text(text)
    git(work, "add", "--all")
    git(work, "commit", "--quiet", "-m", "more")
    git(work, "push", "--quiet", "origin", "HEAD:main")


def certify(folder: Path, name: str) -> Path:
    """A certificate for a name or an address; whoever is to believe it needs this file."""
    kind = "IP" if name.replace(".", "").isdigit() else "DNS"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
         "-subj", f"/CN={name}", "-addext", f"subjectAltName={kind}:{name}",
         "-keyout", str(folder / "key.pem"), "-out", str(folder / "cert.pem")],
        check=True, capture_output=True,
    )  # fmt: skip
    return folder / "cert.pem"


def server(folder: Path, address: str, port: int) -> http.server.ThreadingHTTPServer:
    """Bound, and not serving yet."""
    made = http.server.ThreadingHTTPServer(
        (address, port), type("Mine", (_Handler,), {"folder": folder})
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    made.socket = context.wrap_socket(made.socket, server_side=True)
    return made


@contextmanager
def served(folder: Path, name: str = "localhost") -> Iterator[str]:
    """Its address."""
    certify(folder, name)
    made = server(folder, name, 0)
    threading.Thread(target=made.serve_forever, daemon=True).start()
    try:
        yield f"https://{name}:{made.server_port}"
    finally:
        made.shutdown()
        made.server_close()


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    folder: Path

    def do_GET(self) -> None:
        path = unquote(self.path.partition("?")[0])
        if path.startswith("/away/"):
            where = self.path.replace("/away/", "http://localhost:1/")
            self._answer(302, b"", Location=where)
        elif path == "/login":
            self._answer(200, b"<!doctype html><title>Log in</title>", Content_Type="text/html")
        elif found := _RAW.fullmatch(path):
            self._raw(*found.groups())
        else:
            self._backend(b"")

    def do_POST(self) -> None:
        self._backend(self.rfile.read(int(self.headers.get("Content-Length", 0))))

    def _raw(self, repository: str, ref: str, path: str) -> None:
        bare = self.folder / f"{repository}.git"
        if bare.is_dir() and not (bare / "git-daemon-export-ok").exists():
            self._answer(302, b"", Location="/login")
            return
        said = subprocess.run(
            ["git", f"--git-dir={bare}", "cat-file", "blob", f"{ref}:{path}"],
            env=GIT, capture_output=True, check=False,
        )  # fmt: skip
        if said.returncode == 0:
            self._answer(200, said.stdout, Content_Type="text/plain; charset=utf-8")
        else:
            self._answer(404, b"<!doctype html><title>Not found</title>", Content_Type="text/html")

    def _backend(self, body: bytes) -> None:
        """git's own program for it; its answer is passed on as it comes."""
        path, _, query = self.path.partition("?")
        bare = self.folder / f"{path.partition('.git/')[0].lstrip('/')}.git"
        if bare.is_dir() and not (bare / "git-daemon-export-ok").exists():
            self._answer(401, b"", WWW_Authenticate="Basic")
            return
        cgi = {
            **GIT,
            "GIT_PROJECT_ROOT": str(self.folder),
            "REQUEST_METHOD": self.command, "PATH_INFO": path, "QUERY_STRING": query,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
        }  # fmt: skip
        with subprocess.Popen(
            ["git", "http-backend"], env=cgi, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        ) as process:  # fmt: skip
            assert process.stdin and process.stdout
            process.stdin.write(body)
            process.stdin.close()
            head = {}
            while line := process.stdout.readline().strip():
                key, _, value = line.decode().partition(": ")
                head[key] = value
            status = int(head.pop("Status", "200").split()[0])
            self.send_response(status)
            for key, value in head.items():
                self.send_header(key, value)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            try:
                while piece := process.stdout.read1(_PIECE):  # type: ignore[attr-defined]
                    self.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece))
                self.wfile.write(b"0\r\n\r\n")
            except OSError:  # who asked has had enough
                process.kill()
                self.close_connection = True

    def _answer(self, status: int, content: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        pass


if __name__ == "__main__":
    server(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])).serve_forever()
