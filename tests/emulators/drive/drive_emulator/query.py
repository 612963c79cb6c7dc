"""The search language of ``files.list``: what ``q`` asks for."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from drive_emulator.model import Refused, Seen

Test = Callable[[Seen], bool]
_TOKEN = re.compile(r"\s*(?:('(?:\\.|[^'\\])*')|([<>!]=|[=<>()])|([A-Za-z]\w*))")


@dataclass
class Query:
    """``matches`` decides; ``parents`` narrows it to some folders where that is sure."""

    matches: Test
    parents: frozenset[str] | None = None


@dataclass
class _Reader:
    text: str
    root: str
    email: str
    tokens: list[str] = field(default_factory=list)

    def peek(self) -> str:
        return self.tokens[0] if self.tokens else ""

    def take(self, *wanted: str) -> str:
        token = self.peek()
        if not token or (wanted and token not in wanted):
            raise bad(self.text)
        return self.tokens.pop(0)

    def value(self) -> str:
        token = self.take()
        if not token.startswith("'"):
            raise bad(self.text)
        return re.sub(r"\\(.)", r"\1", token[1:-1])

    def boolean(self) -> bool:
        return self.take("true", "false") == "true"


def parse(text: str, root: str, email: str) -> Query:
    """``root`` and ``email`` are the asker's. Raises 400 for what it does not understand."""
    if not text.strip():
        return Query(lambda seen: True)
    reader = _Reader(text, root, email)
    at = 0
    while at < len(text.rstrip()):
        found = _TOKEN.match(text, at)
        if found is None:
            raise bad(text)
        reader.tokens.append(next(group for group in found.groups() if group))
        at = found.end()
    query = _any(reader)
    if reader.tokens:
        raise bad(text)
    return query


def bad(text: str) -> Refused:
    return Refused(400, "invalid", f"Invalid Value: {text[:200]}", "q")


def _any(reader: _Reader) -> Query:
    found = [_all(reader)]
    while reader.peek() == "or":
        reader.take()
        found.append(_all(reader))
    if len(found) == 1:
        return found[0]
    tests = [one.matches for one in found]
    known = [one.parents for one in found]
    parents = frozenset().union(*(p for p in known if p is not None))
    return Query(lambda seen: any(test(seen) for test in tests), None if None in known else parents)


def _all(reader: _Reader) -> Query:
    found = [_one(reader)]
    while reader.peek() == "and":
        reader.take()
        found.append(_one(reader))
    if len(found) == 1:
        return found[0]
    tests = [one.matches for one in found]
    known = [one.parents for one in found if one.parents is not None]
    parents = frozenset.intersection(*known) if known else None
    return Query(lambda seen: all(test(seen) for test in tests), parents)


def _one(reader: _Reader) -> Query:
    if reader.peek() == "not":
        reader.take()
        inner = _one(reader).matches
        return Query(lambda seen: not inner(seen))
    if reader.peek() == "(":
        reader.take()
        query = _any(reader)
        reader.take(")")
        return query
    if reader.peek().startswith("'"):
        return _in(reader)
    return Query(_term(reader))


def _in(reader: _Reader) -> Query:
    value = reader.value()
    reader.take("in")
    where = reader.take("parents", "owners", "writers", "readers")
    if where == "parents":
        id_ = reader.root if value == "root" else value
        return Query(lambda seen: seen.parent == id_, frozenset({id_}))
    email = reader.email if value == "me" else value
    if where == "owners":
        return Query(lambda seen: seen.file.owner == email)
    return Query(lambda seen: seen.file.owner == email or email in dict(seen.file.shared))


_TEXTS: dict[str, Callable[[Seen], str]] = {
    "title": lambda seen: seen.file.title,
    "name": lambda seen: seen.file.title,
    "mimeType": lambda seen: seen.file.mime,
}
_FLAGS: dict[str, Callable[[Seen], bool]] = {
    "trashed": lambda seen: seen.trashed,
    "starred": lambda seen: seen.file.starred,
    "sharedWithMe": lambda seen: not seen.mine and not seen.parent,
}
_TIMES: dict[str, Callable[[Seen], int]] = {
    "modifiedDate": lambda seen: seen.file.modified_ms,
    "modifiedTime": lambda seen: seen.file.modified_ms,
    "createdDate": lambda seen: seen.file.created_ms,
    "createdTime": lambda seen: seen.file.created_ms,
}


def _term(reader: _Reader) -> Test:
    name = reader.take()
    if name in _FLAGS:
        if name == "sharedWithMe" and reader.peek() not in ("=", "!="):
            return _FLAGS[name]
        sign, wanted = reader.take("=", "!="), reader.boolean()
        flag = _FLAGS[name]
        return lambda seen: (flag(seen) == wanted) is (sign == "=")
    if name in _TEXTS:
        return _text(reader, _TEXTS[name])
    if name in _TIMES:
        return _time(reader, _TIMES[name])
    raise bad(reader.text)


def _text(reader: _Reader, of: Callable[[Seen], str]) -> Test:
    sign, value = reader.take("=", "!=", "contains"), reader.value()
    if sign == "contains":
        # As Drive's: whole words by their beginning, whatever their case.
        start = re.compile(r"(?:^|\W|_)" + re.escape(value), re.IGNORECASE)
        return lambda seen: start.search(of(seen)) is not None
    # As Drive's: the case of a title makes no difference.
    return lambda seen: (of(seen).casefold() == value.casefold()) is (sign == "=")


def _time(reader: _Reader, of: Callable[[Seen], int]) -> Test:
    sign = reader.take("<", "<=", "=", "!=", ">", ">=")
    try:
        parsed = datetime.fromisoformat(reader.value().replace("Z", "+00:00"))
    except ValueError:
        raise bad(reader.text) from None
    aware = parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)
    wanted = int(aware.timestamp() * 1000)
    compare: dict[str, Callable[[int], bool]] = {
        "<": lambda ms: ms < wanted,
        "<=": lambda ms: ms <= wanted,
        "=": lambda ms: ms == wanted,
        "!=": lambda ms: ms != wanted,
        ">": lambda ms: ms > wanted,
        ">=": lambda ms: ms >= wanted,
    }
    return lambda seen: compare[sign](of(seen))
