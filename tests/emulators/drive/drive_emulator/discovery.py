"""Checks requests and answers against Google's own description of the API."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from drive_emulator.model import Refused

_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "number": (int, float),
    "array": (list,),
    "object": (dict,),
    "any": (object,),
}
_UPLOADS = ("/upload", "/resumable/upload")


@dataclass(frozen=True)
class Method:
    """A method of the API: ``files.list``."""

    name: str
    http_method: str
    pattern: re.Pattern[str]
    parameters: dict[str, Any]
    request: str
    """Name of the schema of its body; empty: it has none."""
    response: str
    scopes: frozenset[str]
    uploads: bool


class Document:
    """A discovery document."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.base = document["basePath"].rstrip("/")
        self.schemas: dict[str, Any] = document["schemas"]
        self._common = {**document["parameters"], "upload_id": {"type": "string"}}
        self._methods = [
            _method(f"{resource}.{name}", self.base, found)
            for resource, inside in document["resources"].items()
            for name, found in inside.get("methods", {}).items()
        ]
        # Fixed paths first: files/generateIds is no file.
        self._methods.sort(key=lambda method: method.pattern.pattern.count("("))

    @classmethod
    def read(cls, path: Path) -> Document:
        return cls(json.loads(path.read_text(encoding="utf-8")))

    def find(self, http_method: str, path: str) -> tuple[Method, dict[str, str]] | None:
        """The method, and what stands in its path."""
        uploads = next((u for u in _UPLOADS if path.startswith(u + "/")), "")
        for method in self._methods:
            if method.http_method == http_method and (method.uploads or not uploads):
                found = method.pattern.fullmatch(path.removeprefix(uploads))
                if found:
                    values = {name: unquote(value) for name, value in found.groupdict().items()}
                    return method, values
        return None

    def check_parameters(self, method: Method, query: dict[str, str]) -> None:
        """Raises 400 for an unknown parameter, a bad value, or one that is missing."""
        known = {**self._common, **method.parameters}
        for name, value in query.items():
            spec = known.get(name)
            if spec is None or spec.get("location") == "path":
                raise Refused(400, "invalidParameter", f"Unknown parameter: {name}", name)
            if not _fits(spec, value):
                raise Refused(400, "invalidParameter", f"Invalid value: {name}={value}", name)
        for name, spec in method.parameters.items():
            if spec.get("required") and spec["location"] == "query" and name not in query:
                raise Refused(400, "required", f"Required parameter: {name}", name)

    def check_body(self, method: Method, body: dict[str, Any]) -> None:
        problems = self.problems(method.request, body) if method.request else []
        if problems or (body and not method.request):
            raise Refused(400, "invalid", "; ".join(problems[:3]) or "No body is expected.")

    def problems(self, schema: str, value: Any) -> list[str]:
        """Where a value is not what the schema says; empty: nowhere."""
        return list(self._problems({"$ref": schema}, value, schema))

    def _problems(self, spec: dict[str, Any], value: Any, at: str) -> list[str]:
        if "$ref" in spec:
            spec = {"type": "object", **self.schemas[spec["$ref"]]}
        kind = spec["type"]
        if not _is(kind, value):
            return [f"{at} is {type(value).__name__}, not {kind}"]
        if kind == "array":
            inside = spec["items"]
            return [p for one in value for p in self._problems(inside, one, at)][:20]
        if kind == "object":
            return self._object_problems(spec, value, at)
        if kind == "string" and not _well_formed(spec, value):
            return [f"{at} is no {spec.get('format') or 'known value'}: {value!r}"]
        return []

    def _object_problems(self, spec: dict[str, Any], value: Any, at: str) -> list[str]:
        known, rest = spec.get("properties", {}), spec.get("additionalProperties")
        found: list[str] = []
        for name, inner in value.items():
            inside = known.get(name, rest)
            if inside is None:
                found.append(f"{at} has no {name}")
            else:
                found += self._problems(inside, inner, f"{at}.{name}")
        return found


def _method(name: str, base: str, found: dict[str, Any]) -> Method:
    pattern = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", f"{base}/{found['path']}")
    return Method(
        name=name,
        http_method=found["httpMethod"],
        pattern=re.compile(pattern),
        parameters=found.get("parameters", {}),
        request=found.get("request", {}).get("$ref", ""),
        response=found.get("response", {}).get("$ref", ""),
        scopes=frozenset(found.get("scopes", ())),
        uploads="mediaUpload" in found,
    )


def _is(kind: str, value: object) -> bool:
    # A bool is an int for Python, not for JSON.
    if isinstance(value, bool):
        return kind in ("boolean", "any")
    return isinstance(value, _TYPES[kind])


def _fits(spec: dict[str, Any], text: str) -> bool:
    kind = spec["type"]
    if kind == "boolean":
        return text in ("true", "false")
    if kind == "integer":
        if not re.fullmatch(r"-?\d+", text):
            return False
        low, high = int(spec.get("minimum", -(2**63))), int(spec.get("maximum", 2**63))
        return low <= int(text) <= high
    return text in spec["enum"] if "enum" in spec else True


def _well_formed(spec: dict[str, Any], text: str) -> bool:
    form = spec.get("format")
    if form == "int64":
        return re.fullmatch(r"-?\d{1,19}", text) is not None
    if form == "date-time":
        try:
            return datetime.fromisoformat(text.replace("Z", "+00:00")).tzinfo is not None
        except ValueError:
            return False
    return text in spec["enum"] if "enum" in spec else True
