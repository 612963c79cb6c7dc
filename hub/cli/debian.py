"""Makes `debian:trixie-slim` available: pulled, or built with debootstrap from Debian's mirror."""

from __future__ import annotations

import os
import select
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from hub.cli import engine, shell
from hub.cli.mirrors import Mirrors
from spawner.errors import CarrelError, Code

UPSTREAM = "debian:trixie-slim"
OURS = "carrel/debian:trixie"
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")

# As in Debian's own slim images: no manuals, and packages do not start services.
SLIM = "\n".join(
    f"path-exclude /usr/share/{part}/*" for part in ("doc", "man", "info", "locale", "lintian")
)


@dataclass(frozen=True)
class Site:
    """Where debootstrap may work, and whether it may be installed."""

    folder: Path
    """A name of its own in a folder that only we write; what a killed run left there is removed."""
    install: bool


def ensure_debian(
    mirrors: Mirrors, site: Site, *, pull_timeout_s: float, say: Callable[[str], None]
) -> str:
    """The content id of the Debian image that everything starts from."""
    if not _id(OURS):
        if not _id(UPSTREAM) and not _pull(pull_timeout_s, say):
            _debootstrap(mirrors, site, say)
        else:
            shell.run(["docker", "tag", UPSTREAM, OURS])
    return _id(OURS)


def _id(reference: str) -> str:
    answer = shell.run(["docker", "image", "inspect", "--format", "{{.Id}}", reference])
    return answer.out.strip() if answer.ok else ""


def _pull(timeout_s: float, say: Callable[[str], None]) -> bool:
    say(f"Pulling {UPSTREAM}.")
    # The registry must answer soon; what it then sends may take its time over a slow line.
    pull = subprocess.Popen(
        ["docker", "pull", UPSTREAM], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    assert pull.stdout
    with pull.stdout as lines:
        answers = bool(select.select([lines], [], [], timeout_s)[0])
        if not answers:
            pull.kill()
        last = [line.strip() for line in lines][-1:]
    if pull.wait() == 0:
        return True
    why = last[0][:100] if answers and last else f"nothing within {timeout_s:.0f} s"
    say(f"No registry answers ({why}); debootstrap makes the base instead.")
    return False


def _debootstrap(mirrors: Mirrors, site: Site, say: Callable[[str], None]) -> None:
    if os.geteuid() != 0:
        raise CarrelError(
            Code.BAD_INPUT,
            f"No registry has {UPSTREAM} for us, and building it needs root.",
            f"Run ./carrel up once as root, or load the image: docker load, then "
            f"docker tag IMAGE {OURS}.",
        )
    if not shutil.which("debootstrap") or not KEYRING.exists():
        if not site.install:
            raise CarrelError(
                Code.BAD_INPUT,
                "debootstrap or Debian's keyring is missing.",
                "apt-get install debootstrap debian-archive-keyring",
            )
        engine.apt_install(["debootstrap", "debian-archive-keyring"])
    say(f"Building the base from {mirrors.debian}.")
    shutil.rmtree(site.folder, ignore_errors=True)
    try:
        # A mount namespace of its own: a killed run leaves no /proc mounted in the folder.
        done = shell.run(
            ["unshare", "--mount", "debootstrap", "--variant=minbase",
             # Without the keyring debootstrap would only warn, and the mirror speaks plain HTTP.
             "--force-check-gpg", f"--keyring={KEYRING}",
             "--include=ca-certificates", "trixie", str(site.folder), mirrors.debian],
            timeout_s=900,
        )  # fmt: skip
        if not done.ok:
            raise CarrelError(
                Code.FAILED,
                f"debootstrap failed: {_tail(done.out)}",
                f"Is {mirrors.debian} a Debian mirror that this host reaches? Another one: "
                "[images] debian_mirror in config/carrel.toml.",
            )
        _slim(site.folder)
        _import(site.folder)
    finally:
        shutil.rmtree(site.folder, ignore_errors=True)


def _tail(text: str) -> str:
    return " / ".join(text.strip().splitlines()[-3:])


def _slim(root: Path) -> None:
    (root / "etc/dpkg/dpkg.cfg.d/carrel-slim").write_text(SLIM + "\n", encoding="ascii")
    policy = root / "usr/sbin/policy-rc.d"
    policy.write_text("#!/bin/sh\nexit 101\n", encoding="ascii")
    policy.chmod(0o755)
    for part in ("doc", "man", "info", "locale", "lintian"):
        shutil.rmtree(root / "usr/share" / part, ignore_errors=True)
    for folder in ("var/cache/apt", "var/lib/apt/lists"):
        shutil.rmtree(root / folder, ignore_errors=True)
        (root / folder / "partial").mkdir(parents=True)
    archives = root / "var/cache/apt/archives/partial"
    archives.mkdir(parents=True)


def _import(root: Path) -> None:
    tar = subprocess.Popen(
        ["tar", "--directory", str(root), "--numeric-owner", "--create", "."],
        stdout=subprocess.PIPE,
    )
    done = subprocess.run(
        ["docker", "import", "--change", 'CMD ["bash"]', "-", OURS],
        stdin=tar.stdout, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert tar.stdout
    tar.stdout.close()
    if tar.wait() != 0 or done.returncode != 0:
        raise CarrelError(
            Code.FAILED, f"The base image could not be imported: {done.stderr.strip()}", ""
        )
