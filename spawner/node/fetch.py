"""``python -m spawner.node.fetch URL BRANCH``: a git branch as a tar on standard output.

Runs in a container of its own on the sessions' network (node.jobs), as nobody. Nothing is ever
checked out: git takes one commit without its history, and writes its tree as a tar from there.
Only https is spoken, redirects included; there are no submodules, hooks, helpers or prompts.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from spawner.confinement import ARCHIVE_ROOT

ENVIRONMENT = {
    "PATH": "/usr/local/bin:/usr/bin:/bin",
    "GIT_ALLOW_PROTOCOL": "https",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_ASKPASS": "/bin/false",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "LC_ALL": "C.UTF-8",
}
SETTINGS = (
    # One pack, however many objects: the limit on a file's size is the limit on all.
    "fetch.unpackLimit=1",
    "transfer.fsckObjects=true",
    "core.hooksPath=/dev/null",
    "http.lowSpeedLimit=1000",
    "http.lowSpeedTime=30",
)


def fetch(url: str, branch: str, folder: str) -> int:
    """Git's exit code; its words, or ours, are on standard error."""
    keep = ("SSL_CERT_FILE", "SSL_CERT_DIR", "https_proxy", "HTTPS_PROXY", "no_proxy", "NO_PROXY")
    environment = (
        ENVIRONMENT | {"HOME": folder} | {k: os.environ[k] for k in keep if k in os.environ}
    )
    if ca := os.environ.get("SSL_CERT_FILE"):
        environment["GIT_SSL_CAINFO"] = ca

    def git(*arguments: str) -> subprocess.CompletedProcess[bytes]:
        settings = [part for setting in SETTINGS for part in ("-c", setting)]
        command = ["git", "-C", folder, *settings, *arguments]
        return subprocess.run(command, env=environment, stderr=subprocess.PIPE, check=False)

    git("init", "--quiet", "--bare")
    wanted = f"refs/heads/{branch}" if branch else "HEAD"
    fetched = git(
        "fetch", "--quiet", "--depth=1", "--no-tags", "--no-recurse-submodules",
        "--no-auto-maintenance", "--", url, f"{wanted}:refs/heads/fetched",
    )  # fmt: skip
    if fetched.returncode != 0:
        print(_reason(fetched.stderr.decode(errors="replace"), url, branch), file=sys.stderr)
        return 1
    sent = git("archive", "--format=tar", f"--prefix={ARCHIVE_ROOT}/", "refs/heads/fetched")
    sys.stderr.write(sent.stderr.decode(errors="replace"))
    return sent.returncode


def _reason(said: str, url: str, branch: str) -> str:
    """Git's words for people who do not speak git."""
    if "couldn't find remote ref" in said:
        return f"There is no branch {branch!a} at {url}." if branch else f"{url} is empty."
    # A program of git that a limit ended says nothing itself; of a connection that broke it does.
    ended = "invalid index-pack output" in said and "early EOF" not in said
    if ended or "File too large" in said or "signal 25" in said or "index-pack died" in said:
        return f"{url} is too large to be fetched (1 GB)."
    if "Operation too slow" in said:
        return f"{url} answers too slowly. Try again later."
    if "could not read Username" in said or "Authentication failed" in said or "403" in said:
        return f"{url} does not exist or is not public."
    if "not allowed" in said or "not supported or disabled in libcurl" in said:
        return f"{url} leads to an address that is no https."
    lines = [line for line in said.strip().splitlines() if line.startswith(("fatal:", "error:"))]
    return f"{url} cannot be fetched: {(lines or ['git gave no reason'])[0]}"


def main(arguments: list[str]) -> int:
    url, branch = arguments
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        Path(folder).chmod(0o700)
        return fetch(url, branch, folder)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
