"""The demo's Google Drive: where it listens, and the settings that lead to it."""

from __future__ import annotations

from ipaddress import IPv4Network

PORT = 8095
PREFIX = "/demo-drive/"
"""Under it, browsers reach its pages on the demo's own address."""
URL = f"http://drive-emulator:{PORT}/"
"""As hub and web reach it."""
CLIENT = "demo"
SECRET = "demo"  # noqa: S105  everybody knows it, as the emulator's image does


def settings(subnet: str) -> dict[str, str]:
    """Environment variables, without their prefix. Sidecars know no names, and reach an address."""
    return {
        "DRIVE__CLIENT_ID": CLIENT,
        "DRIVE__AUTH_URL": f"{PREFIX}o/oauth2/v2/auth",
        "DRIVE__TOKEN_URL": f"{URL}token",
        "DRIVE__REVOKE_URL": f"{URL}revoke",
        "DRIVE__API_URL": URL,
        "DRIVE__SIDECAR_API_URL": f"http://{IPv4Network(subnet)[4]}:{PORT}/",
    }
