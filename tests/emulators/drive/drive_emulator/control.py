"""``/control/…``: tests and benches set things up here, and look. Off unless it is asked for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, fields
from typing import TYPE_CHECKING, Any

from drive_emulator.faults import Rule
from drive_emulator.grants import DRIVE, Client
from drive_emulator.messages import Answer, Request
from drive_emulator.model import FOLDER, Access, Bytes, Edit, New, Refused, Seen

if TYPE_CHECKING:
    from drive_emulator.emulator import Emulator

CLIENT = "control"


class Control:
    """Each route takes and gives JSON."""

    def __init__(self, emulator: Emulator) -> None:
        self._emulator = emulator
        self._routes: dict[tuple[str, str], Callable[[dict[str, Any]], Any]] = {
            ("GET", "settings"): lambda body: asdict(emulator.settings),
            ("POST", "settings"): self.set,
            ("GET", "faults"): lambda body: [_rule(rule) for rule in emulator.faults.rules()],
            ("POST", "faults"): self.set_faults,
            ("GET", "journal"): lambda body: emulator.journal.told(),
            ("DELETE", "journal"): lambda body: emulator.journal.clear(),
            ("GET", "summary"): lambda body: emulator.journal.summary(),
            ("POST", "accounts"): self.add_account,
            ("POST", "clients"): self.add_client,
            ("POST", "tokens"): self.mint,
            ("POST", "revoke"): lambda body: emulator.grants.revoke_all(body["email"]),
            ("GET", "grants"): lambda body: [asdict(g) for g in emulator.grants.open_ones()],
            ("POST", "files"): self.make,
            ("POST", "edit"): self.edit,
            ("POST", "tree"): self.tree,
            ("POST", "share"): self.share,
            ("POST", "limit"): self.limit,
            ("POST", "forget-revisions"): lambda body: emulator.store.forget_revisions(body["id"]),
            ("POST", "expire-uploads"): lambda body: emulator.uploads.expire(),
        }

    def answer(self, request: Request) -> Answer:
        name = request.path.removeprefix("/control/")
        route = self._routes.get((request.method, name))
        if route is None:
            raise Refused(404, "notFound", f"There is no control {request.method} {name}.")
        try:
            return Answer(200, {"result": route(request.json())})
        except (KeyError, TypeError, ValueError) as error:
            raise Refused(400, "invalid", f"{type(error).__name__}: {error}") from error

    def set(self, body: dict[str, Any]) -> dict[str, Any]:
        self._emulator.set(**body)
        return asdict(self._emulator.settings)

    def set_faults(self, body: dict[str, Any]) -> int:
        """Replaces all rules: {"rules": […], "seed": n}."""
        rules = [Rule.of(found) for found in body["rules"]]
        self._emulator.faults.replace(rules, body.get("seed"))
        return len(rules)

    def add_account(self, body: dict[str, Any]) -> dict[str, Any]:
        return asdict(self._emulator.store.add_account(**body))

    def add_client(self, body: dict[str, Any]) -> str:
        uris = tuple(body.pop("redirect_uris", ()))
        client = Client(redirect_uris=uris, **body)
        self._emulator.grants.clients[client.id] = client
        return client.id

    def mint(self, body: dict[str, Any]) -> dict[str, Any]:
        """Tokens without a browser: {"email", "client", "scopes"}."""
        grants = self._emulator.grants
        email = self._emulator.store.account(body["email"]).email
        scopes = tuple(body.get("scopes", (DRIVE,)))
        return asdict(grants.mint(grants.allow(body.get("client", "carrel"), email, scopes)))

    def make(self, body: dict[str, Any]) -> dict[str, Any]:
        """{"email", "title", "parent", "text" or "folder": true or "mime" and "text"}."""
        access = Access(body["email"], body.get("client", CLIENT))
        text = body.get("text", "")
        mime = body.get("mime", FOLDER if body.get("folder") else "text/plain")
        native = mime.startswith("application/vnd.google-apps.")
        new = New(
            body["title"], mime, body.get("parent", "root"), target=body.get("target", ""),
            text=text if native else "", blob=None if native else Bytes.of(text.encode()),
        )  # fmt: skip
        return told(self._emulator.store.insert(access, new))

    def edit(self, body: dict[str, Any]) -> dict[str, Any]:
        """Somebody changes a file: {"id", "title", "text", "parent", "trashed"}."""
        return told(self._emulator.edit(body))

    def tree(self, body: dict[str, Any]) -> list[dict[str, Any]]:
        """All files of {"email"}, with their revisions."""
        store = self._emulator.store
        return [told(seen) for seen in store.find(Access(body["email"], CLIENT))]

    def share(self, body: dict[str, Any]) -> None:
        self._emulator.store.share(body["id"], body["email"], body.get("role", "reader"))

    def limit(self, body: dict[str, Any]) -> None:
        self._emulator.store.set_limit(body["email"], int(body["most_bytes"]))


def edit_of(body: dict[str, Any]) -> Edit:
    """Raises ValueError for what nobody can change."""
    known = {one.name for one in fields(Edit)} | {"id", "text"}
    if set(body) - known:
        raise ValueError(f"an edit has {sorted(known)}")
    change = {name: value for name, value in body.items() if name not in ("id", "text")}
    if "text" in body:
        change["blob"] = Bytes.of(body["text"].encode())
    return Edit(**change)


def told(seen: Seen) -> dict[str, Any]:
    """A file as tests want it."""
    one = seen.file
    return {
        "id": one.id,
        "title": one.title,
        "mime": one.mime,
        "parent": one.parent,
        "etag": one.etag,
        "trashed": seen.trashed,
        "md5": one.head.blob.md5 if one.head else None,
        "size": one.size,
        "revisions": [{"id": r.id, "md5": r.blob.md5, "size": r.blob.size} for r in one.revisions],
    }


def _rule(rule: Rule) -> dict[str, Any]:
    return {**asdict(rule), "fault": rule.fault.value}
