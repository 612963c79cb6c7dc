"""Finds settings that are right by themselves and wrong together (pure)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from hub.enums import Provider
from hub.knobs import LOOPBACK


def problems(values: Mapping[str, Any]) -> list[str]:
    """What profiles name that is not there. ``values`` may be anything that a file can hold.

    It is asked too when single values are wrong, so that all problems are told at once; what
    has not the right shape is passed over here, since it was told already.
    """
    profiles = [item for item in _list(values.get("profiles")) if isinstance(item, Mapping)]
    slugs = [item.get("slug") for item in profiles]
    found = [
        f"two profiles have the slug {slug!r}"
        for slug in sorted({slug for slug in slugs if isinstance(slug, str)})
        if slugs.count(slug) > 1
    ]
    if sum(item.get("default") is True for item in profiles) > 1:
        found.append("more than one profile says default = true")
    found += _server(_table(values.get("server")))
    found += _demo(values)
    found += _sign_on(_table(values.get("sign_on")))
    found += _drive(values)
    machines, images = _table(values.get("machines")), _images(_table(values.get("images")))
    for item in profiles:
        slug, machine, image = item.get("slug"), item.get("machine"), item.get("image")
        if isinstance(machine, str) and machine not in machines:
            found.append(f"profile {slug!r}: there is no [machines.{machine}]")
        if isinstance(image, str) and image not in images:
            found.append(
                f"profile {slug!r}: image {image!r} is neither in images.families "
                f"({', '.join(sorted(images))}) nor in images.extra"
            )
    return found


def _server(server: Mapping[str, Any]) -> list[str]:
    if server.get("subdomains") is not True:
        return []
    host = urlsplit(str(server.get("public_url") or "")).hostname or ""
    if host.rpartition(".")[2].isalpha() and "." in host:
        return []
    return [
        "server.subdomains: needs server.public_url with a host name that can have others below "
        "it, for instance https://carrel.example.org"
    ]


def _demo(values: Mapping[str, Any]) -> list[str]:
    server = _table(values.get("server"))
    if values.get("demo") is not True:
        return []
    if server.get("public_url") or not str(server.get("bind", "127.")).startswith("127."):
        return [
            "demo: anybody logs in as anybody, so it listens on 127.0.0.1 and has no public_url"
        ]
    return []


def _sign_on(given: Mapping[str, Any]) -> list[str]:
    """A provider may be the enum or, where something else was wrong, still its text."""
    provider = given.get("provider", Provider.LOCAL)
    provider = provider.value if isinstance(provider, Provider) else provider
    if provider == Provider.LOCAL.value:
        return []
    found = []
    if not given.get("client_id"):
        found.append(
            f"sign_on.client_id: {provider!r} needs the client ID that the provider gave you"
        )
    if provider == Provider.OIDC.value and not given.get("issuer"):
        found.append("sign_on.issuer: 'oidc' needs the provider's address (its issuer)")
    if provider == Provider.GOOGLE.value and given.get("issuer"):
        found.append("sign_on.issuer: Google has one address; leave this empty")
    return found


def _drive(values: Mapping[str, Any]) -> list[str]:
    """Tokens never go over plain HTTP, but to the demo's emulator."""
    given = _table(values.get("drive"))
    plain = [
        f"drive.{name}: must begin with https://"
        for name in ("auth_url", "token_url", "revoke_url", "api_url", "sidecar_api_url")
        if str(given.get(name) or "").startswith("http://")
        and urlsplit(str(given[name])).hostname not in LOOPBACK
    ]
    return [] if values.get("demo") is True else plain


def _images(images: Mapping[str, Any]) -> set[str]:
    families = images.get("families", ("base", "datascience"))
    return {str(name) for name in (*_list(families), *_list(images.get("extra")))}


def _list(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else []


def _table(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
