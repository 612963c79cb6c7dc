"""Shows a file, published or about to be, as a page on which nothing runs and nothing loads."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from pathlib import Path

from hub.materials import intake, plain
from hub.materials.bounded import Bounds
from hub.materials.limited import Job, ask
from hub.materials.members import MIB
from hub.materials.places import Place
from hub.materials.repository import OBJECT, Repository
from spawner.errors import CarrelError, Code

HEADERS = {
    # An origin of its own, that no cookie and no page of ours belongs to.
    "Content-Security-Policy": "sandbox; default-src 'none'; img-src data:; "
    "style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'",
    "Content-Type": "text/html; charset=utf-8",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "private, no-store",
}
"""Of the answer; all of them, and no cookie with it."""
MOST_BYTES = 20 * MIB
_MOST_PATH = 1000
_TIME = Bounds(time_s=20, output_bytes=48 * MIB)
_STYLE = Path(__file__).with_name("notebook.css")


@dataclass(frozen=True)
class _Blob:
    """A file in a tree."""

    object: str
    size: int


def of_version(place: Place, commit: str, path: str) -> bytes:
    """A published file as a page, to be sent with HEADERS. Blocks for seconds.

    Raises CarrelError: NOT_FOUND, or BAD_INPUT for a notebook that cannot be shown.
    """
    if not OBJECT.fullmatch(commit):
        raise _not_there()
    return _page(Repository(place.repository), commit, path)


def of_intake(place: Place, id_: str, path: str) -> bytes:
    """The same of an intake: what students would get."""
    with intake.reading(place, id_):
        return _page(intake.of(place, id_), intake.look(place, id_).commit, path)


def _page(where: Repository, commit: str, path: str) -> bytes:
    blob = _find(where, commit, path)
    notebook = path.casefold().endswith(".ipynb")
    inside = _notebook(where, blob) if notebook else _other(where, blob, path)
    style = _STYLE.read_text(encoding="utf-8")
    head = (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width"><title>{escape(path)}</title>'
        f"<style>{style}</style></head><body><main>\n"
    )
    return head.encode() + inside + b"\n</main></body></html>\n"


def _notebook(where: Repository, blob: _Blob) -> bytes:
    if blob.size > MOST_BYTES:
        raise CarrelError(
            Code.BAD_INPUT,
            f"This notebook has more than {MOST_BYTES // MIB} MB and is not shown here.",
            "Open it in a session.",
        )
    done = ask(Job.PAGES, where.must("cat-file", "blob", blob.object), _TIME)
    if done.code != 0:
        raise CarrelError(
            Code.BAD_INPUT, "This notebook cannot be shown here: it is broken, or too much.",
            "Open it in a session.",
        ) from RuntimeError(done.errors[-2000:])  # fmt: skip
    return done.output


def _other(where: Repository, blob: _Blob, path: str) -> bytes:
    small = blob.size <= plain.MOST_PICTURE
    head = where.must("cat-file", "blob", blob.object) if small else b""
    return plain.shown(path, blob.size, head)


def _find(where: Repository, commit: str, path: str) -> _Blob:
    # Only what an intake may have brought, and what can be an argument.
    if not path or "\0" in path or len(path.encode(errors="ignore")) > _MOST_PATH:
        raise _not_there()
    path = path.encode(errors="replace").decode()
    done = where.ask(
        "--literal-pathspecs", "ls-tree", "-z", "-l", "--full-tree", commit, "--", path
    )
    for line in done.output.split(b"\0") if done.code == 0 else ():
        head, _, name = line.partition(b"\t")
        if name == path.encode():
            _, kind, found, size = head.split()
            if kind == b"blob":
                return _Blob(found.decode(), int(size))
    raise _not_there()


def _not_there() -> CarrelError:
    return CarrelError(Code.NOT_FOUND, "There is no such file in these materials.")
