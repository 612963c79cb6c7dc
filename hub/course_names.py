"""What a course may be called: its slug, title, description and joining code (pure).

A slug stands in links, folders and group names. Only ASCII is taken, so a twin in another script
either becomes the same slug or is refused; ``skeleton`` finds those that merely look alike.
"""

from __future__ import annotations

import hmac
import re
import secrets
import unicodedata

from hub.accounts import clean_full_name
from spawner.errors import CarrelError, Code

SLUG = re.compile(r"[a-z](?:-?[a-z0-9]){1,39}", re.ASCII)
MOST_SLUG = 40
MOST_RAW = 256
"""Longer than any slug in any spelling; normalising takes time by the square."""
MOST_DESCRIPTION = 2000
"""In characters."""
RESERVED = frozenset(
    {
        "about", "account", "accounts", "admin", "api", "archive", "assignments", "badge", "carrel",
        "content", "course", "courses", "data", "do", "drive", "github", "help", "hub", "index",
        "invitation", "join", "list", "login", "logout", "make", "materials", "my", "new", "null",
        "open", "people", "roster", "services", "settings", "static", "user", "users",
    }
)  # fmt: skip
"""Words that are or may become addresses of Carrel's own."""
GROUP = "course-"
"""Before the slug: the hub group of a course."""
_LETTERS = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"
"""Of codes: none that is read as another."""
CODE_LENGTH = 8
"""Some 40 bits: nobody guesses it through a login that is on record with each attempt."""
_ALIKE = str.maketrans({"0": "o", "1": "l", "i": "l", "5": "s", "2": "z", "-": None})
_NOT_IN_TEXT = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_JOINERS = "\u200c\u200d"
"""Some scripts spell words with them."""


def slug(raw: str) -> str:
    """The one spelling of a slug: trimmed, NFKC, lower case. Raises CarrelError(BAD_INPUT)."""
    text = unicodedata.normalize("NFKC", raw[: MOST_RAW + 1]).strip().casefold()
    if len(raw) > MOST_RAW or len(text) > MOST_SLUG or not SLUG.fullmatch(text):
        raise CarrelError(
            Code.BAD_INPUT,
            "This short name cannot be used in links.",
            f"Use 2 to {MOST_SLUG} of the letters a-z, digits and single hyphens between them; a "
            "letter comes first.",
        )
    if text in RESERVED:
        raise CarrelError(
            Code.BAD_INPUT,
            f"The short name {text} is Carrel's own.",
            "Choose another, for instance with the year in it.",
        )
    return text


def skeleton(name: str) -> str:
    """What is left of a slug when signs that look alike are the same sign."""
    return name.translate(_ALIKE).replace("rn", "m").replace("vv", "w").replace("cl", "d")


def title(raw: str) -> str:
    """One line of text. Raises CarrelError(BAD_INPUT)."""
    try:
        text = clean_full_name(raw)
    except CarrelError as error:
        message = error.message.replace("This name", "This title")
        raise CarrelError(error.code, message, error.hint) from error
    if not text:
        raise CarrelError(Code.BAD_INPUT, "The course has no title.", "Write what it is called.")
    return text


def description(raw: str) -> str:
    """Some lines of text; may be empty. Raises CarrelError(BAD_INPUT)."""
    text = raw.replace("\r\n", "\n").replace("\r", "\n").strip()
    if len(text) > MOST_DESCRIPTION:
        raise CarrelError(
            Code.BAD_INPUT,
            "This description is too long.",
            f"Use at most {MOST_DESCRIPTION} characters.",
        )
    fine = f"\n\t{_JOINERS}"
    if any(unicodedata.category(c) in _NOT_IN_TEXT or c == "\ufffd" for c in text if c not in fine):
        raise CarrelError(
            Code.BAD_INPUT,
            "The description holds characters that cannot be shown.",
            "Type it anew.",
        )
    return unicodedata.normalize("NFC", text)


def new_code() -> str:
    """A joining code that nobody had before."""
    return "".join(secrets.choice(_LETTERS) for _ in range(CODE_LENGTH))


def shown_code(code: str) -> str:
    """As it is read out: ``ABCD-EFGH``."""
    return f"{code[:4]}-{code[4:]}"


def same_code(code: str, typed: str) -> bool:
    """Whether somebody typed that code: in any case, with or without the hyphen."""
    plain = re.sub(r"[\s-]", "", typed[:64]).upper()
    return hmac.compare_digest(plain.encode(), code.encode())


def proposed(raw: str) -> str:
    """A slug for a title: ``Data Science 1`` → ``data-science-1``; empty where none comes out."""
    plain = unicodedata.normalize("NFKD", raw[:MOST_RAW].casefold())
    text = re.sub(r"[^a-z0-9]+", "-", "".join(c for c in plain if not unicodedata.combining(c)))
    return text.lstrip("-0123456789")[:MOST_SLUG].strip("-")
