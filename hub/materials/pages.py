"""Makes a hostile notebook into harmless HTML, in a limited process (hub.materials.limited).

nbconvert sanitises what it knows to be HTML, cell by cell; then everything it made goes through
the same short list of what may be in the page, so that nothing depends on its templates. Nothing
that stays can load anything: pictures are data, links wait for a click. There is no MathJax;
formulas stay as typed.
"""

from __future__ import annotations

import json
import re
import warnings
from collections.abc import Iterator
from typing import Any

import nbformat
import nh3
from markupsafe import Markup
from nbconvert.exporters.html import HTMLExporter
from nbformat import NotebookNode

MOST_CELLS = 1000
MOST_TEXT, MOST_HTML, MOST_IMAGE = 100_000, 500_000, 4_000_000
"""Characters of one source or text, one HTML table, one picture as base64."""
MOST_OUTPUTS = 50
BUDGET, IMAGE_BUDGET = 3_000_000, 12_000_000
"""Characters of all of them."""
_IMAGES = ("image/png", "image/jpeg", "image/gif", "image/webp")
_SHOWN = ("text/html", "image/svg+xml", *_IMAGES, "text/markdown", "text/latex", "text/plain")
"""What an output is shown as: the first that it has."""
_SILENT = {
    "script", "style", "template", "noscript", "iframe", "frame", "object", "embed", "applet",
    "head", "title", "svg", "math", "audio", "video", "textarea", "select",
}  # fmt: skip
"""Gone with what is in them: a table's style sheet would be printed above it."""
_TAGS = {
    "a", "abbr", "b", "blockquote", "br", "caption", "code", "col", "colgroup", "dd", "del",
     "details", "div", "dl", "dt", "em", "figcaption", "figure", "h1", "h2", "h3", "h4", "h5", "h6",
     "hr", "i", "img", "ins", "kbd", "li", "mark", "ol", "p", "pre", "q", "s", "samp", "small",
     "span", "strong", "sub", "summary", "sup", "table", "tbody", "td", "tfoot", "th", "thead",
     "tr", "tt", "u", "ul", "var",
}  # fmt: skip
_PLAIN = {
    "class", "title", "alt", "colspan", "rowspan", "align", "start", "open", "scope", "border",
    "width", "height",
}  # fmt: skip
_IMAGE = re.compile(r"data:image/(?:png|jpeg|gif|webp|svg\+xml);base64,[A-Za-z0-9+/=\s]*", re.ASCII)
_LINK = re.compile(r"https?://[^\s]+|mailto:[^\s]+", re.ASCII | re.IGNORECASE)
_STYLE = re.compile(r"(?:[\w\s:;#%.,+-]|rgba?\([\d\s.,%]*\))*", re.ASCII)
_STYLES = {
    "color", "background-color", "text-align", "vertical-align", "font-weight", "font-style",
    "font-family", "text-decoration", "white-space", "width", "height", "border",
}  # fmt: skip
_ATTRIBUTES = {"*": {*_PLAIN, "style"}, "a": {"href"}, "img": {"src"}}
_ATTACHED = re.compile(r"attachment:([^\s()\"'<>]*)")
_LEXER = re.compile(r"[a-z0-9+#-]{1,30}", re.ASCII)


def work(data: bytes) -> bytes:
    """HTML for a page's body, of a notebook's bytes. Raises ValueError for what is none."""
    notebook = _read(data)
    _trim(notebook)
    exporter = HTMLExporter(template_name="basic", sanitize_html=True, embed_images=False)
    # Its own list knows no headings and no tables: it would print their tags.
    exporter.register_filter("clean_html", lambda html: Markup(clean(str(html))))  # noqa: S704
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        body, _ = exporter.from_notebook_node(notebook)
    return clean(body).encode(errors="replace")


def clean(html: str) -> str:
    """Only what the list allows; all else is gone or text. Takes time by the length alone."""
    return nh3.clean(
        html, tags=_TAGS, clean_content_tags=_SILENT, attributes=_ATTRIBUTES,
        attribute_filter=_kept, url_schemes={"http", "https", "mailto", "data"},
        filter_style_properties=_STYLES, link_rel="noopener noreferrer",
    )  # fmt: skip


def _kept(tag: str, name: str, value: str) -> str | None:
    if name == "style":
        return value if _STYLE.fullmatch(value) else None
    if name == "href":
        return value if _LINK.fullmatch(value) else None
    if name == "src":
        return value if _IMAGE.fullmatch(value) else None
    return value


def _read(data: bytes) -> NotebookNode:
    said = json.loads(data)
    if not isinstance(said, dict) or not isinstance(
        said.get("cells", said.get("worksheets")), list
    ):
        raise ValueError("no notebook")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        notebook = nbformat.reads(json.dumps(said), as_version=4)
    return notebook


def _trim(notebook: NotebookNode) -> None:
    """Leaves what a page can hold, and says what is not there."""
    name = str(notebook.metadata.get("language_info", {}).get("name", "python"))
    lexer = name if _LEXER.fullmatch(name) and not name.startswith("ipython") else "python"
    notebook.metadata = NotebookNode(language_info=NotebookNode(name=lexer, pygments_lexer=lexer))
    budget = _Budget()
    more = len(notebook.cells) - MOST_CELLS
    notebook.cells = [budget.cell(cell) for cell in notebook.cells[:MOST_CELLS]]
    if more > 0:
        notebook.cells.append(nbformat.v4.new_raw_cell(f"({more} more cells are not shown)"))


class _Budget:
    """How much more goes into the page."""

    def __init__(self) -> None:
        self.text, self.images = BUDGET, IMAGE_BUDGET

    def cell(self, cell: NotebookNode) -> NotebookNode:
        """A new one with nothing but what is shown."""
        source = self.cut(str(cell.source), MOST_TEXT)
        if cell.cell_type == "markdown":
            given = cell.get("attachments", {})
            attachments = {
                name: {mime: data for mime, data in bundle.items() if self.image(mime, data)}
                for name, bundle in given.items()
            }
            # nbconvert gives up on the whole notebook where one picture is missing.
            source = _ATTACHED.sub(
                lambda found: found[0] if attachments.get(found[1]) else f"missing:{found[1]}",
                source,
            )
            return nbformat.v4.new_markdown_cell(source, attachments=attachments)
        if cell.cell_type != "code":
            return nbformat.v4.new_raw_cell(source)
        outputs = list(self.outputs(cell.outputs))
        count = cell.get("execution_count")
        return nbformat.v4.new_code_cell(
            source, outputs=outputs, execution_count=count if isinstance(count, int) else None
        )

    def outputs(self, outputs: list[NotebookNode]) -> Iterator[NotebookNode]:
        for output in outputs[:MOST_OUTPUTS]:
            if output.output_type == "stream":
                yield _text(self.cut(str(output.text), MOST_TEXT))
            elif output.output_type == "error":
                yield _text(self.cut("\n".join(map(str, output.traceback)), MOST_TEXT))
            else:
                yield self.data(output.get("data", {}))
        if len(outputs) > MOST_OUTPUTS:
            yield _text(f"({len(outputs) - MOST_OUTPUTS} more outputs are not shown)")

    def data(self, data: dict[str, Any]) -> NotebookNode:
        for mime in _SHOWN:
            value = data.get(mime)
            if not isinstance(value, str):
                continue
            if mime in _IMAGES or mime == "image/svg+xml":
                if not self.image(mime, value):
                    return _text("(A picture that is too large is not shown.)")
            elif mime == "text/html":
                if len(value) > min(MOST_HTML, self.text):
                    continue  # its plain text, if it has one
                self.text -= len(value)
            else:
                value = self.cut(value, MOST_TEXT)
            return nbformat.v4.new_output("display_data", {mime: value})
        return _text("(An output that cannot be shown here.)")

    def image(self, mime: str, data: Any) -> bool:
        """Whether a picture goes in; counted then."""
        known = mime in _IMAGES or mime == "image/svg+xml"
        if not known or not isinstance(data, str) or len(data) > min(MOST_IMAGE, self.images):
            return False
        self.images -= len(data)
        return True

    def cut(self, text: str, most: int) -> str:
        most = min(most, self.text)
        self.text -= min(len(text), most)
        return text if len(text) <= most else text[:most] + "\n(The rest is not shown.)"


def _text(text: str) -> NotebookNode:
    return nbformat.v4.new_output("stream", name="stdout", text=text)
