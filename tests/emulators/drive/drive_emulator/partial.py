"""Partial answers: ``fields=items(id,labels/trashed),nextPageToken``."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from drive_emulator.model import Refused

Mask = dict[str, Any]
"""Names to masks; an empty mask means all of it."""


@lru_cache(maxsize=256)
def parse(text: str) -> Mask:
    """Raises 400 for what is none."""
    tokens = re.findall(r"[\w.-]+|[*(),/]", text)
    if "".join(tokens) != re.sub(r"\s", "", text) or not tokens:
        raise _bad(text)
    mask, rest = _list(tokens, text)
    if rest:
        raise _bad(text)
    return mask


def select(value: Any, mask: Mask) -> Any:
    """Only what the mask names; of a list, of each of its members."""
    if not mask or "*" in mask:
        return value
    if isinstance(value, list):
        return [select(one, mask) for one in value]
    if not isinstance(value, dict):
        return value
    return {name: select(inner, mask[name]) for name, inner in value.items() if name in mask}


def check(mask: Mask, schema: str, schemas: dict[str, Any]) -> None:
    """Raises 400 for a field that the schema does not have."""
    _check(mask, schemas[schema], schemas)


def _check(mask: Mask, spec: dict[str, Any], schemas: dict[str, Any]) -> None:
    while "items" in spec or "$ref" in spec:
        spec = spec["items"] if "items" in spec else schemas[spec["$ref"]]
    if not mask or "*" in mask or "additionalProperties" in spec:
        return
    for name, inner in mask.items():
        if name not in spec.get("properties", {}):
            raise Refused(400, "invalidParameter", f"Invalid field selection {name}", "fields")
        _check(inner, spec["properties"][name], schemas)


def _list(tokens: list[str], text: str) -> tuple[Mask, list[str]]:
    mask: Mask = {}
    while True:
        _, tokens = _one(tokens, mask, text)
        if not tokens or tokens[0] != ",":
            return mask, tokens
        tokens = tokens[1:]


def _one(tokens: list[str], into: Mask, text: str) -> tuple[Mask, list[str]]:
    if not tokens or tokens[0] in "(),/":
        raise _bad(text)
    name, rest = tokens[0], tokens[1:]
    mask = into.setdefault(name, {})
    if rest and rest[0] == "/":
        return _one(rest[1:], mask, text)
    if rest and rest[0] == "(":
        inner, rest = _list(rest[1:], text)
        if not rest or rest[0] != ")":
            raise _bad(text)
        mask.update(inner)
        rest = rest[1:]
    return mask, rest


def _bad(text: str) -> Refused:
    return Refused(400, "invalidParameter", f"Invalid field selection {text}", "fields")
