"""What a document of Google's own can be exported as: small, but each is what it says."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from html import escape

from drive_emulator.model import GOOGLE, File, Refused

PDF = "application/pdf"
_OFFICE = "application/vnd.openxmlformats-officedocument."
DOCX = _OFFICE + "wordprocessingml.document"
XLSX = _OFFICE + "spreadsheetml.sheet"
PPTX = _OFFICE + "presentationml.presentation"
LIMIT_BYTES = 10 << 20
"""What Google exports at most."""


def formats(mime: str) -> list[str]:
    return list(_MADE.get(mime, {}))


def export(file: File, mime: str) -> bytes:
    """Raises 403 for what is no document, 400 for a format that it does not have."""
    if not file.native:
        raise Refused(403, "fileNotExportable", "Export only supports Docs Editors files.")
    make = _MADE.get(file.mime, {}).get(mime)
    if make is None:
        raise Refused(400, "badRequest", "The requested conversion is not supported.", "mimeType")
    if len(file.text.encode()) > LIMIT_BYTES:
        raise Refused(403, "exportSizeLimitExceeded", "This file is too large to be exported.")
    return make(file.text)


def _plain(text: str) -> bytes:
    # As Google's: with a mark of the byte order, and lines of another system.
    return "\ufeff".encode() + text.replace("\n", "\r\n").encode()


def _html(text: str) -> bytes:
    lines = "".join(f"<p>{escape(line)}</p>" for line in text.splitlines())
    return f'<html><head><meta charset="utf-8"></head><body>{lines}</body></html>'.encode()


def _pdf(text: str) -> bytes:
    safe = text.encode("latin-1", "replace").decode("latin-1")
    for old, new in (("\\", "\\\\"), ("(", "\\("), (")", "\\)"), ("\r", ""), ("\n", " ")):
        safe = safe.replace(old, new)
    drawn = f"BT /F1 12 Tf 72 720 Td ({safe}) Tj ET".encode("latin-1")
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents 4 0 R"
        b"/Resources<</Font<</F1 5 0 R>>>>>>",
        b"<</Length %d>>stream\n%s\nendstream" % (len(drawn), drawn),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
    ]
    out, places = bytearray(b"%PDF-1.4\n"), []
    for number, content in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj%s\nendobj\n" % (number, content)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % place for place in places)
    out += b"trailer<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, start)
    return bytes(out)


def _zip(files: dict[str, str]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(zipfile.ZipInfo(name), '<?xml version="1.0"?>' + text)
    return out.getvalue()


_PACKAGE = "http://schemas.openxmlformats.org/package/2006/"
_RELATION = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"


def _office(part: str, kind: str, more: dict[str, str]) -> bytes:
    return _zip(
        {
            "[Content_Types].xml": f'<Types xmlns="{_PACKAGE}content-types">'
            '<Default Extension="rels" ContentType='
            '"application/vnd.openxmlformats-package.relationships+xml"/>'
            '<Default Extension="xml" ContentType="application/xml"/>'
            f'<Override PartName="/{part}" ContentType="{kind}.main+xml"/></Types>',
            "_rels/.rels": f'<Relationships xmlns="{_PACKAGE}relationships">'
            f'<Relationship Id="r1" Type="{_RELATION}/officeDocument" Target="{part}"/>'
            "</Relationships>",
            **more,
        }
    )


def _docx(text: str) -> bytes:
    space = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
    lines = "".join(
        f"<w:p><w:r><w:t>{escape(line)}</w:t></w:r></w:p>" for line in text.splitlines()
    )
    document = f'<w:document xmlns:w="{space}"><w:body>{lines}</w:body></w:document>'
    return _office("word/document.xml", DOCX, {"word/document.xml": document})


def _xlsx(text: str) -> bytes:
    space = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    rows = "".join(
        "<row>"
        + "".join(
            f'<c t="inlineStr"><is><t>{escape(cell)}</t></is></c>' for cell in line.split(",")
        )
        + "</row>"
        for line in text.splitlines()
    )
    book = (
        f'<workbook xmlns="{space}" xmlns:r="{_RELATION}"><sheets>'
        '<sheet name="Sheet1" sheetId="1" r:id="r1"/></sheets></workbook>'
    )
    sheet = f'<worksheet xmlns="{space}"><sheetData>{rows}</sheetData></worksheet>'
    relations = (
        f'<Relationships xmlns="{_PACKAGE}relationships">'
        f'<Relationship Id="r1" Type="{_RELATION}/worksheet" Target="sheet1.xml"/></Relationships>'
    )
    return _office(
        "xl/workbook.xml",
        XLSX,
        {"xl/workbook.xml": book, "xl/_rels/workbook.xml.rels": relations, "xl/sheet1.xml": sheet},
    )


def _pptx(text: str) -> bytes:
    space = "http://schemas.openxmlformats.org/presentationml/2006/main"
    deck = f'<p:presentation xmlns:p="{space}"><!-- {escape(text)} --></p:presentation>'
    return _office("ppt/presentation.xml", PPTX, {"ppt/presentation.xml": deck})


_MADE: dict[str, dict[str, Callable[[str], bytes]]] = {
    GOOGLE + "document": {"text/plain": _plain, "text/html": _html, PDF: _pdf, DOCX: _docx},
    GOOGLE + "spreadsheet": {"text/csv": lambda text: text.encode(), PDF: _pdf, XLSX: _xlsx},
    GOOGLE + "presentation": {"text/plain": _plain, PDF: _pdf, PPTX: _pptx},
    GOOGLE + "drawing": {PDF: _pdf},
}


def all_formats() -> dict[str, list[str]]:
    return {mime: list(made) for mime, made in _MADE.items()}
