"""Which images there are, what goes into each, and what they are called (pure but for reading)."""

from __future__ import annotations

import hashlib
import io
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

FAMILIES = ("base", "datascience", "pytorch")


@dataclass(frozen=True)
class Image:
    """One image: its Dockerfile and the files of the checkout that its build sees."""

    name: str
    dockerfile: str
    parent: str
    """Name of the image it starts from; its reference is the build argument BASE."""
    paths: tuple[str, ...] = ()
    arguments: Mapping[str, str] = field(default_factory=dict)


CATALOG = {
    image.name: image
    for image in (
        Image("base", "images/base/Dockerfile", parent="debian"),
        Image("node", "images/node/Dockerfile", "base", ("images/node", "spawner")),
        Image("proxy", "images/proxy/Dockerfile", "base", ("images/proxy",)),
        Image("hub", "images/hub/Dockerfile", "base", ("images/hub", "hub", "spawner", "config")),
        Image(
            "drivesync",
            "images/drivesync/Dockerfile",
            "base",
            ("images/drivesync/requirements.lock", "images/drivesync/drivesync"),
        ),
        Image(
            "drive-emulator",
            "images/drive-emulator/Dockerfile",
            "drivesync",
            ("tests/emulators/drive/drive_emulator",),
        ),
        Image("postgres", "images/postgres/Dockerfile", "base", ("images/postgres",)),
        Image(
            "session-base",
            "images/session/base.Dockerfile",
            "base",
            ("images/session/base.lock", "images/session/skel"),
        ),
        Image(
            "session-datascience",
            "images/session/datascience.Dockerfile",
            "session-base",
            ("images/session/datascience.lock",),
        ),
        Image(
            "session-pytorch",
            "images/session/pytorch.Dockerfile",
            "session-datascience",
            ("images/session/pytorch.lock",),
        ),
    )
}
PROCESSES = ("node", "proxy", "hub")
OPTIONAL = ("postgres", "drive-emulator")


@dataclass(frozen=True)
class Parent:
    """What an image starts from: the name that builders take, and what tells its content."""

    reference: str
    """A tag: BuildKit would look for a bare image id in a registry."""
    content: str

    @classmethod
    def ours(cls, reference: str) -> Parent:
        """One of ours, whose tag is made of its content."""
        return cls(reference, reference)


@dataclass(frozen=True)
class Build:
    """An image made concrete: the reference that names exactly this content, and its context."""

    image: Image
    reference: str
    parent_reference: str
    files: tuple[tuple[str, bytes, int], ...]
    """(path in the context, content, mode)."""
    arguments: tuple[tuple[str, str], ...]

    def context(self) -> bytes:
        """The build context as a tar, the same bytes for the same content."""
        sink = io.BytesIO()
        with tarfile.open(fileobj=sink, mode="w") as tar:
            for path, content, mode in self.files:
                entry = tarfile.TarInfo(path)
                entry.size, entry.mode = len(content), mode
                tar.addfile(entry, io.BytesIO(content))
        return sink.getvalue()


def read_files(root: Path, paths: tuple[str, ...]) -> tuple[tuple[str, bytes, int], ...]:
    """The files below ``paths`` of the checkout, sorted, without what Python leaves behind."""
    found = []
    for path in paths:
        start = root / path
        for file in sorted(start.rglob("*")) if start.is_dir() else [start]:
            if file.is_file() and "__pycache__" not in file.parts:
                mode = 0o755 if file.stat().st_mode & 0o100 else 0o644
                found.append((str(file.relative_to(root)), file.read_bytes(), mode))
    return tuple(found)


def plan(
    image: Image,
    parent: Parent,
    files: tuple[tuple[str, bytes, int], ...],
    arguments: Mapping[str, str],
) -> Build:
    """Names the image by all that goes into it, so that what is unchanged is never built again."""
    digest = hashlib.sha256()
    for part in (parent.content, *(f"{k}={v}" for k, v in sorted(arguments.items()))):
        digest.update(part.encode() + b"\0")
    for path, content, mode in files:
        digest.update(f"{path}\0{mode:o}\0{len(content)}\0".encode() + content)
    return Build(
        image=image,
        reference=f"carrel/{image.name}:{digest.hexdigest()[:12]}",
        parent_reference=parent.reference,
        files=files,
        arguments=tuple(sorted(arguments.items())),
    )
