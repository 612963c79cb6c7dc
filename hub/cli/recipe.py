"""Decides which images this installation needs and what each is called."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from hub.cli import images
from hub.cli.debian import OURS
from hub.cli.images import Build, Parent
from hub.cli.mirrors import HOST_BUNDLE, Mirrors
from hub.settings import Settings


@dataclass(frozen=True)
class Recipe:
    """All builds, in the order in which they can be made."""

    base: Build
    first: tuple[Build, ...]
    """What the hub needs to come up: the processes and the `base` session."""
    then: tuple[Build, ...]
    """What is built on one of the first, and needed as early."""
    later: tuple[Build, ...]
    """What nobody waits for: Drive's sidecar, and further session families, each built on the one
    before."""

    @property
    def references(self) -> dict[str, str]:
        builds = (self.base, *self.first, *self.then, *self.later)
        # Compose wants a name for an image also where its process is switched off.
        none = {name: f"carrel/{name}:none" for name in images.OPTIONAL}
        return none | {build.image.name: build.reference for build in builds}

    @property
    def processes(self) -> dict[str, str]:
        wanted = (*images.PROCESSES, *images.OPTIONAL)
        return {name: ref for name, ref in self.references.items() if name in wanted}

    @property
    def drive(self) -> str:
        """What Drive's sidecars run; empty where nobody can have one."""
        return self.references.get("drivesync", "")

    @property
    def families(self) -> dict[str, str]:
        prefix = "session-"
        return {
            name.removeprefix(prefix): ref
            for name, ref in self.references.items()
            if name.startswith(prefix)
        }


def decide(
    root: Path, settings: Settings, mirrors: Mirrors, debian_id: str, *, gpu: bool
) -> Recipe:
    """Names every image by its content; ``root`` is the checkout."""
    base = _base(root, mirrors, debian_id)
    names = [*images.PROCESSES, "session-base"]
    if settings.database.backend == "postgres":
        names.append("postgres")
    if settings.demo:
        # Its own Google Drive is built on the sidecar's image, which has Google's words for it.
        names.append("drivesync")
    first = tuple(_plan(root, name, base.reference, mirrors) for name in names)
    wanted = {*settings.images.families, *(("pytorch",) if gpu else ())}
    if "pytorch" in wanted:
        wanted.add("datascience")
    made = {build.image.name: build.reference for build in first}
    then: list[Build] = []
    later: list[Build] = []
    if settings.demo:
        then.append(_plan(root, "drive-emulator", made["drivesync"], mirrors))
    elif settings.drive.configured:
        later.append(_plan(root, "drivesync", base.reference, mirrors))
    parent = made["session-base"]
    for family in images.FAMILIES[1:]:
        if family in wanted:
            later.append(_plan(root, f"session-{family}", parent, mirrors))
            parent = later[-1].reference
    return Recipe(base, first, tuple(then), tuple(later))


def _plan(root: Path, name: str, parent: str, mirrors: Mirrors) -> Build:
    image = images.CATALOG[name]
    files = images.read_files(root, (image.dockerfile, *image.paths))
    arguments = {"NPM_REGISTRY": mirrors.npm_registry} if name == "proxy" else {}
    return images.plan(image, Parent.ours(parent), files, arguments)


def _base(root: Path, mirrors: Mirrors, debian_id: str) -> Build:
    image = images.CATALOG["base"]
    # An empty folder cannot be copied from: each holds at least a .keep.
    files = [
        *images.read_files(root, (image.dockerfile,)),
        ("ca/.keep", b"", 0o644),
        ("bundle/.keep", b"", 0o644),
        *((f"ca/{path.name}", path.read_bytes(), 0o644) for path in mirrors.certificates),
    ]
    if mirrors.debian.startswith("https"):
        # Debian's slim image has no certificates at all until the first package is there.
        files.append(("bundle/ca.crt", HOST_BUNDLE.read_bytes(), 0o644))
    arguments = {
        "DEBIAN_MIRROR": mirrors.debian,
        "SECURITY_MIRROR": mirrors.security,
        "PIP_CONF": mirrors.pip_conf.replace("\n", "\\n"),
    }
    return images.plan(image, Parent(OURS, debian_id), tuple(files), arguments)
