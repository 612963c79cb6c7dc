"""A teacher who publishes versions into a bare repository, with real git."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

PERSON = {
    "GIT_AUTHOR_NAME": "t", "GIT_AUTHOR_EMAIL": "t@example.org",
    "GIT_COMMITTER_NAME": "t", "GIT_COMMITTER_EMAIL": "t@example.org",
}  # fmt: skip


def git(folder: Path, *arguments: str, given: str = "", index: Path | None = None) -> str:
    """Output of a git command, without the line's end."""
    more = {"GIT_INDEX_FILE": str(index)} if index else {}
    done = subprocess.run(
        ["git", *arguments], cwd=folder, input=given.encode(), capture_output=True, check=True,
        env={**os.environ, **PERSON, **more},
    )  # fmt: skip
    return done.stdout.decode().strip()


class Teacher:
    """What they have published: ``files`` is name → text."""

    def __init__(self, repository: Path) -> None:
        self.repository = repository
        self.files: dict[str, str] = {}
        repository.parent.mkdir(parents=True, exist_ok=True)
        git(
            repository.parent, "init", "--quiet", "--bare", "--initial-branch=main", repository.name
        )

    def publish(
        self,
        files: Mapping[str, str] = MappingProxyType({}),
        without: tuple[str, ...] = (),
        **more: str,
    ) -> str:
        """Publishes ``files`` and ``more`` beside what is there; the commit."""
        files = {**self.files, **files, **more}
        self.files = {name: text for name, text in files.items() if name not in without}
        listing, index = "", self.repository / "made"
        for name, text in self.files.items():
            blob = git(self.repository, "hash-object", "-w", "--stdin", given=text)
            listing += f"100644 blob {blob}\t{name}\0"
        index.unlink(missing_ok=True)
        git(self.repository, "update-index", "-z", "--index-info", given=listing, index=index)
        tree = git(self.repository, "write-tree", index=index)
        main = git(self.repository, "for-each-ref", "--format=%(objectname)", "refs/heads/main")
        parent = ["-p", main] if main else []
        commit = git(self.repository, "commit-tree", tree, *parent, "-m", "x")
        git(self.repository, "update-ref", "refs/heads/main", commit)
        return commit
