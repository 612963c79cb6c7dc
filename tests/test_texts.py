"""Every text of a page can be translated: it stands in ``_()`` or ``{% trans %}``."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
from jinja2 import Environment, nodes

from hub.texts import JINJA

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = ("config/templates", "hub/web/templates")
"""Where the templates are whose texts are looked at."""
NAMES = re.compile(r"\b(Carrel|JupyterLab|UTC)\b")
"""Names and units that no language changes."""
ATTRIBUTES = {"aria-label", "aria-description", "title", "placeholder", "alt", "content"}
SPEAKS = {"_", "gettext", "ngettext"}
SENTENCE = re.compile(r"[A-Z][a-z]+\b|[a-z]{2,} [a-z]{2,}")
"""Looks like something for people, where code may hold other strings."""
IN_SCRIPT = re.compile(r"""(?<!\\)(["'`])((?:\\.|(?!\1).)*)\1""")
ATTRIBUTE = re.compile(r'[\w-]+="[^"]*"')
"""What a macro writes into a tag looks like text from here."""
# The second is what JupyterHub says, to be known again.
NOT_FOR_PEOPLE = re.compile(
    r"DELETE|Spawn cancelled|Content-Type|Enter|Escape|Tab|%Y.*|[\w-]+: ?\w+;?"
)

TEMPLATES = sorted(path for folder in FOLDERS for path in (ROOT / folder).glob("*.html"))
ENVIRONMENT = Environment(autoescape=True, **JINJA)


class Texts(HTMLParser):
    """What a page says outside of expressions, and what its scripts hold."""

    def __init__(self) -> None:
        super().__init__()
        self.said: list[str] = []
        self.scripts: list[str] = []
        self._within = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self._within = tag if tag in ("script", "style", "code", "pre") else ""
        for name, value in attrs:
            technical = name == "content" and given.get("name") != "description"
            if name in ATTRIBUTES and value and not technical:
                self.said.append(value)

    def handle_endtag(self, tag: str) -> None:
        if tag == self._within:
            self._within = ""

    def handle_data(self, data: str) -> None:
        if self._within == "script":
            self.scripts.append(data)
        elif not self._within:
            self.said.append(data)


def without_jinja(source: str) -> str:
    """The template's HTML, with nothing where Jinja puts something."""
    for pattern in (
        r"\{#.*?#\}",
        r"\{%-?\s*trans\b.*?%\}.*?\{%-?\s*endtrans\s*-?%\}",
        r"\{%.*?%\}",
        r"\{\{.*?\}\}(?!\})",
    ):
        source = re.sub(pattern, "", source, flags=re.DOTALL)
    return source


def untranslated(source: str) -> list[str]:
    """What a template says in English whatever the language."""
    html = Texts()
    html.feed(without_jinja(source))
    html.close()
    found = [ATTRIBUTE.sub("", text) for text in html.said]
    for script in html.scripts:
        code = re.sub(r"^\s*//.*$|/\*.*?\*/|\s//\s.*$", "", script, flags=re.MULTILINE)
        found += [text for _, text in IN_SCRIPT.findall(code) if SENTENCE.search(text)]
    found += [text for text in _literals(ENVIRONMENT.parse(source)) if SENTENCE.search(text)]
    return [
        text.strip()
        for text in found
        if re.search(r"[^\W\d_]", NAMES.sub("", text)) and not NOT_FOR_PEOPLE.fullmatch(text)
    ]


def _literals(node: nodes.Node) -> Iterator[str]:
    """Strings in expressions that are shown as they are."""
    if isinstance(node, nodes.Call):
        named = getattr(node.node, "name", getattr(node.node, "attr", ""))
        if named in SPEAKS:
            return
    if isinstance(node, nodes.Const) and isinstance(node.value, str):
        yield node.value
    for child in node.iter_child_nodes():
        yield from _literals(child)


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_every_text_of_a_template_can_be_translated(path: Path) -> None:
    assert untranslated(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "template",
    [
        "<p>Your files</p>",
        '<p>{{ _("Your files") }} are safe</p>',
        '<button aria-label="Close">{{ x }}</button>',
        '<input placeholder="Name"><img alt="A cat">',
        '<p>{{ "Your files" }}</p>',
        '<p>{{ x or "Something went wrong" }}</p>',
        '<p>{% if a %}On{% else %}{{ _("Off") }}{% endif %}</p>',
        '<script>say("It was stopped.");</script>',
        "<script>say(`It was stopped`);</script>",
        "{% set what = 'Your session' %}",
        '<meta name="description" content="A notebook">',
    ],
)
def test_a_text_that_cannot_be_is_found(template: str) -> None:
    assert untranslated(template)


@pytest.mark.parametrize(
    "template",
    [
        '<p>{{ _("Your files") }}</p>',
        '<p>{{ _("%(n)s files", n=n) }} · {{ ngettext("one file", "some files", n) }}</p>',
        "<p>{% trans %}Files are in <code>/content</code>.{% endtrans %}</p>",
        '<button aria-label="{{ _("Close") }}" class="btn big">✓</button>',
        '<script>say({{ _("It was stopped.") | tojson }}, "carrel-go"); // Not shown.\n</script>',
        '<script>const texts = {{ {"a": _("Your files")} | tojson }};</script>',
        "{# A comment #}<style>.a { color: red }</style>",
    ],
)
def test_what_can_be_is_left_in_peace(template: str) -> None:
    assert untranslated(template) == []


def test_what_is_filled_into_a_text_is_escaped() -> None:
    template = ENVIRONMENT.from_string('{{ _("Welcome, %(name)s", name=name) }}')
    assert template.render(name="<b>x</b>") == "Welcome, &lt;b&gt;x&lt;/b&gt;"


def test_texts_work_in_macros_that_were_imported() -> None:
    """Imported without the context, as forms are; so no template variable could hold them."""
    module = ENVIRONMENT.from_string('{% macro a() %}{{ _("Close") }}{% endmacro %}').module
    assert str(module.a()) == "Close"
