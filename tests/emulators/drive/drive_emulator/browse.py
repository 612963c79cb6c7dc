"""A person's Drive as pages: look, download, edit, upload, rename, trash. No log-in."""

from __future__ import annotations

import email.parser
import email.policy
from collections.abc import Callable
from html import escape
from urllib.parse import parse_qsl, quote, urlencode

from drive_emulator import exports, pages, times
from drive_emulator.messages import Answer, Part, Request, html, redirect
from drive_emulator.model import FOLDER, Access, Bytes, Edit, New, Refused, Seen
from drive_emulator.store import Store

_EDITED_BYTES = 4 << 20
_UPLOADED_BYTES = 256 << 20
CLIENT = "drive-page"


class Browse:
    """``/`` and ``/my/…``."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._shown: dict[str, Callable[[Access, Request], Answer]] = {
            "/my/": self.folder,
            "/my/trash": self.trash,
            "/my/edit": self.editor,
            "/my/download": self.download,
        }
        self._done: dict[str, Callable[[Access, dict[str, str]], str | Answer]] = {
            "/my/save": self._save,
            "/my/rename": self._rename,
            "/my/bin": self._bin,
            "/my/restore": self._restore,
            "/my/new-folder": self._new_folder,
            "/my/new-file": self._new_file,
        }

    def answer(self, request: Request) -> Answer:
        """Raises Refused (404) for a page that there is not."""
        if request.path == "/":
            return self.people(request)
        if request.method == "POST":
            return self._act(request)
        if request.path not in self._shown:
            raise Refused(404, "notFound", "There is no such page.")
        return self._shown[request.path](self._access(request.query), request)

    def people(self, request: Request) -> Answer:
        items = "".join(
            f'<li><a class="name" href="{_to(request, "/my/", account=a.email)}">'
            f'{escape(a.name)}</a><span class="facts">{escape(a.email)}</span></li>'
            for a in self._store.accounts()
        )
        return html(pages.page("Whose Drive?", f'<ul class="files">{items}</ul>'))

    def folder(self, access: Access, request: Request) -> Answer:
        here = self._store.get(access, request.query.get("folder", "root"))
        items = self._store.in_folder(access, here.id)
        items.sort(key=lambda s: (not s.file.folder, s.file.title.casefold(), s.file.number))
        rows = "".join(self._row(access, request, seen) for seen in items)
        body = (
            self._way(access, request, here)
            + (f'<ul class="files">{rows}</ul>' if rows else "<p>Nothing is in here.</p>")
            + self._adding(access, request, here)
        )
        return html(pages.page(here.file.title, body))

    def trash(self, access: Access, request: Request) -> Answer:
        items = self._store.find(access, lambda s: s.mine and s.file.explicitly_trashed)
        rows = "".join(
            f'<li><span class="name">{escape(seen.file.title)}</span>'
            + _button(request, "/my/restore", "Restore", access.email, seen)
            + "</li>"
            for seen in items
        )
        back = f'<p><a href="{_to(request, "/my/", account=access.email)}">My Drive</a></p>'
        rows = f'<ul class="files">{rows}</ul>' if rows else "<p>The trash is empty.</p>"
        return html(pages.page("Trash", back + rows))

    def editor(self, access: Access, request: Request) -> Answer:
        seen = self._store.get(access, request.query.get("id", ""))
        text = _text(seen)
        if text is None:
            raise Refused(403, "fileNotDownloadable", "Only short text files are edited here.")
        return html(self._editor(access, request, seen, text))

    def download(self, access: Access, request: Request) -> Answer:
        seen = self._store.get(access, request.query.get("id", ""))
        name = f"attachment; filename*=UTF-8''{quote(seen.file.title, safe='')}"
        headers = {"Content-Disposition": name, "Content-Type": "application/octet-stream"}
        if seen.file.head is not None:
            blob = seen.file.head.blob
            return Answer(200, headers=headers, part=Part(blob, 0, blob.size))
        kinds = exports.formats(seen.file.mime) or ["text/plain"]
        return Answer(200, exports.export(seen.file, kinds[0]), headers)

    def _act(self, request: Request) -> Answer:
        if request.path == "/my/upload":
            return self._upload(request)
        if request.path not in self._done:
            raise Refused(404, "notFound", "There is no such page.")
        pairs = parse_qsl(request.text().decode("utf-8", "replace"), keep_blank_values=True)
        form = dict(pairs)
        access = self._access(form)
        went = self._done[request.path](access, form)
        if isinstance(went, Answer):
            return went
        return redirect(_place(request, "/my/", account=access.email, folder=went))

    def _upload(self, request: Request) -> Answer:
        if request.body.length > _UPLOADED_BYTES:
            raise Refused(413, "uploadTooLarge", "This page takes 256 MB at once.")
        head = f"Content-Type: {request.headers.get('Content-Type', '')}\r\n\r\n".encode()
        parser = email.parser.BytesParser(policy=email.policy.HTTP)
        parts = list(parser.parsebytes(head + request.text()).iter_parts())
        form = {_name(p): str(p.get_content()).strip() for p in parts if not p.get_filename()}
        access = self._access(form)
        folder = form.get("folder", "root")
        for part in parts:
            title = part.get_filename()
            if title:
                data = part.get_payload(decode=True) or b""
                blob = Bytes.of(data if isinstance(data, bytes) else b"")
                new = New(title, part.get_content_type(), folder, blob=blob)
                self._store.insert(access, new)
        return redirect(_place(request, "/my/", account=access.email, folder=folder))

    def _save(self, access: Access, form: dict[str, str]) -> str | Answer:
        # A browser sends a text's lines with CR LF, however they were.
        blob = Bytes.of(form.get("text", "").replace("\r\n", "\n").encode())
        seen = self._store.get(access, form.get("id", ""))
        try:
            self._store.update(access, seen.id, Edit(blob=blob), form.get("etag", ""))
        except Refused as refused:
            if refused.status != 412:
                raise
            return html(
                pages.page(
                    "Not saved",
                    '<p class="bad">The file was changed elsewhere meanwhile. Go back, copy your '
                    "text, and open the file again.</p>",
                ),
                409,
            )
        return seen.parent or "root"

    def _rename(self, access: Access, form: dict[str, str]) -> str:
        seen = self._store.update(access, form["id"], Edit(title=form.get("title") or "Untitled"))
        return seen.parent or "root"

    def _bin(self, access: Access, form: dict[str, str]) -> str:
        return self._store.trash(access, form["id"]).parent or "root"

    def _restore(self, access: Access, form: dict[str, str]) -> str:
        return self._store.untrash(access, form["id"]).parent or "root"

    def _new_folder(self, access: Access, form: dict[str, str]) -> str:
        folder = form.get("folder", "root")
        self._store.insert(access, New(form.get("title") or "Untitled folder", FOLDER, folder))
        return folder

    def _new_file(self, access: Access, form: dict[str, str]) -> str:
        folder = form.get("folder", "root")
        title = form.get("title") or "Untitled.txt"
        self._store.insert(access, New(title, "text/plain", folder, blob=Bytes.of(b"")))
        return folder

    def _access(self, values: dict[str, str]) -> Access:
        try:
            return Access(self._store.account(values.get("account", "")).email, CLIENT)
        except KeyError:
            raise Refused(404, "notFound", "There is no such account.") from None

    def _way(self, access: Access, request: Request, here: Seen) -> str:
        links: list[str] = []
        at = here
        while at.parent:
            at = self._store.get(access, at.parent)
            to = _to(request, "/my/", account=access.email, folder=at.id)
            links.insert(0, f'<a href="{to}">{escape(at.file.title)}</a>')
        trash = f'<a href="{_to(request, "/my/trash", account=access.email)}">Trash</a>'
        others = f'<a href="{_to(request, "/")}">Other accounts</a>'
        steps = " / ".join([*links, escape(here.file.title)])
        return (
            f'<nav class="row" aria-label="Where you are"><span>{steps}</span>'
            f"<span>{escape(access.email)}</span>{trash}{others}</nav>"
        )

    def _row(self, access: Access, request: Request, seen: Seen) -> str:
        title, one = escape(seen.file.title), {"account": access.email}
        actions = ""
        if seen.file.folder:
            to = _to(request, "/my/", folder=seen.id, **one)
            name, facts = f'<a class="name" href="{to}">{title}</a>', "folder"
        else:
            name = f'<span class="name">{title}</span>'
            facts = pages.size(seen.file.size) if seen.file.head else "Google document"
            to = _to(request, "/my/download", id=seen.id, **one)
            actions = f'<a href="{to}" aria-label="Download {title}">Download</a>'
        if _text(seen) is not None:
            to = _to(request, "/my/edit", id=seen.id, **one)
            actions += f'<a href="{to}" aria-label="Edit {title}">Edit</a>'
        modified = times.shown(seen.file.modified_ms)[:16].replace("T", " ") + " UTC"
        rename = (
            f'<details><summary aria-label="Rename {title}">Rename</summary>'
            f'<form method="post" class="row" action="{_to(request, "/my/rename")}">'
            f"{pages.hidden(id=seen.id, **one)}"
            f'<input type="text" name="title" value="{title}" aria-label="New name" required>'
            "<button>Rename</button></form></details>"
        )
        trash = _button(request, "/my/bin", "Move to trash", access.email, seen)
        return (
            f'<li>{name}<span class="facts">{facts}, {modified}</span>{actions}{rename}{trash}</li>'
        )

    def _adding(self, access: Access, request: Request, here: Seen) -> str:
        inside = pages.hidden(account=access.email, folder=here.id)

        def named(path: str, label: str, button: str) -> str:
            return (
                f'<form method="post" class="row" action="{_to(request, path)}">{inside}'
                f'<input type="text" name="title" aria-label="{label}" placeholder="{label}" '
                f"required><button>{button}</button></form>"
            )

        return (
            "<details><summary>Add something</summary>"
            f'<form method="post" enctype="multipart/form-data" class="row" '
            f'action="{_to(request, "/my/upload")}">{inside}'
            '<input type="file" name="files" multiple required aria-label="Files to upload">'
            "<button>Upload</button></form>"
            + named("/my/new-file", "Name of the new text file", "New text file")
            + named("/my/new-folder", "Name of the new folder", "New folder")
            + "</details>"
        )

    def _editor(self, access: Access, request: Request, seen: Seen, text: str) -> str:
        back = _to(request, "/my/", account=access.email, folder=seen.parent or "root")
        return pages.page(
            seen.file.title,
            f'<form method="post" action="{_to(request, "/my/save")}">'
            f"{pages.hidden(account=access.email, id=seen.id, etag=seen.etag)}"
            # The first line break after the tag is not the text's.
            '<textarea name="text" aria-label="Text" spellcheck="false">\n'
            f"{escape(text)}</textarea>"
            f'<div class="row end"><a href="{back}">Back</a>'
            '<button class="main">Save</button></div></form>',
        )


def _text(seen: Seen) -> str | None:
    """None: it is no text, or too long to be edited in a page."""
    head = seen.file.head
    if head is None or head.blob.size > _EDITED_BYTES:
        return None
    try:
        text = head.blob.read(0, head.blob.size).decode()
    except UnicodeDecodeError:
        return None
    return None if "\0" in text or "\r" in text else text


def _place(request: Request, path: str, **values: str) -> str:
    return request.prefix + path + ("?" + urlencode(values) if values else "")


def _to(request: Request, path: str, **values: str) -> str:
    """As it stands in HTML."""
    return escape(_place(request, path, **values))


def _button(request: Request, path: str, label: str, account: str, seen: Seen) -> str:
    return (
        f'<form method="post" class="inline" action="{_to(request, path)}">'
        f"{pages.hidden(account=account, id=seen.id)}"
        f'<button aria-label="{escape(label)}: {escape(seen.file.title)}">{escape(label)}'
        "</button></form>"
    )


def _name(part: email.message.Message) -> str:
    return str(part.get_param("name", header="content-disposition") or "")
