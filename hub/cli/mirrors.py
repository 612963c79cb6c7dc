"""What the host's own package managers use: mirrors, proxies, certificates."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from hub.cli import shell

DEBIAN = "http://deb.debian.org/debian"
DEBIAN_SECURITY = "http://deb.debian.org/debian-security"
EXTRA_CERTIFICATES = Path("/usr/local/share/ca-certificates")
HOST_BUNDLE = Path("/etc/ssl/certs/ca-certificates.crt")
PROXY_NAMES = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy")


@dataclass(frozen=True)
class Mirrors:
    """Where images take their packages from."""

    debian: str
    security: str
    pip_conf: str
    """Content of /etc/pip.conf in the images; empty for pip's own defaults."""
    npm_registry: str
    proxies: tuple[tuple[str, str], ...]
    certificates: tuple[Path, ...]


def find(debian_mirror: str, warn: Callable[[str], None]) -> Mirrors:
    """The host's settings; ``debian_mirror`` (from carrel.toml) wins over apt's."""
    debian, security = _apt()
    debian = debian_mirror.rstrip("/") or debian
    return Mirrors(
        debian=debian if _without_credentials(debian, "The Debian mirror", warn) else DEBIAN,
        security=(
            security
            if _without_credentials(security, "The Debian security mirror", warn)
            else DEBIAN_SECURITY
        ),
        pip_conf=_pip_conf(warn),
        npm_registry=_npm(warn),
        proxies=tuple(
            (name, os.environ[name])
            for name in PROXY_NAMES
            if os.environ.get(name) and _without_credentials(os.environ[name], name, warn)
        ),
        certificates=tuple(sorted(EXTRA_CERTIFICATES.rglob("*.crt"))),
    )


def _apt() -> tuple[str, str]:
    answer = shell.run(
        ["apt-get", "indextargets", "--format", "$(REPO_URI) $(RELEASE)", "Created-By: Packages"]
    )
    main, security = DEBIAN, DEBIAN_SECURITY
    for line in reversed(answer.out.splitlines()):
        uri, _, release = line.partition(" ")
        uri = uri.rstrip("/")
        if not uri.startswith("http"):
            continue
        if uri.endswith("/debian"):
            main = uri
        elif uri.endswith("/debian-security") and "security" in release:
            security = uri
    return main, security


def _pip_conf(warn: Callable[[str], None]) -> str:
    answer = shell.run([sys.executable, "-m", "pip", "config", "list"])
    wanted = dict(re.findall(r"^(?:global|install|:env:)\.([a-z-]+)='(.*)'$", answer.out, re.M))
    lines = []
    for key in ("index-url", "extra-index-url", "trusted-host"):
        # file:// mirrors are the host's own; a container cannot see them.
        urls = [
            part
            for part in wanted.get(key, "").replace("\\n", " ").split()
            if key == "trusted-host" or part.startswith("http")
        ]
        urls = [url for url in urls if _without_credentials(url, f"pip's {key}", warn)]
        if urls:
            lines.append(f"{key} = {' '.join(urls)}")
    return "\n".join(["[global]", *lines, ""]) if lines else ""


def _npm(warn: Callable[[str], None]) -> str:
    registry = os.environ.get("NPM_CONFIG_REGISTRY") or os.environ.get("npm_config_registry", "")  # noqa: SIM112  npm reads both
    return registry if registry and _without_credentials(registry, "npm's registry", warn) else ""


def _without_credentials(url: str, what: str, warn: Callable[[str], None]) -> bool:
    found = urlsplit(url)
    if not found.username and not found.password:
        return True
    warn(f"{what} holds a password and is left out: a password must not end up in an image.")
    return False
