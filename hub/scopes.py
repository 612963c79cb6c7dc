"""What services, admins and everybody may do on the hub."""

from __future__ import annotations

from typing import Any

ADMIN = "custom:carrel:admin"
"""To see Carrel's admin pages and its status, in the browser or with a token."""

PEOPLE = "custom:carrel:people"
"""To invite and look after people; whom, is decided by the account's role (``hub.powers``)."""

SEAL = "custom:carrel:seal"
"""To have the hub seal what people enter as secrets. Nobody can have one opened by it."""

DRIVE = "custom:carrel:drive"
"""To have the hub link, look into and give back people's Drives. No token comes out by it."""

CUSTOM = {
    ADMIN: {"description": "See Carrel's machine, sessions and people."},
    PEOPLE: {"description": "Invite and look after people."},
    SEAL: {"description": "Seal secrets that people enter; open none."},
    DRIVE: {"description": "Link people's Drives, list their folders, and give them back."},
}

WEB = "carrel"
PREFIX = f"/services/{WEB}/"
"""Where the hub serves the web service."""
CULLER = "idle-culler"
CLI = "carrel-cli"
HOUSEKEEPING = "carrel-housekeeping"

ROLES: list[dict[str, Any]] = [
    {
        # The hub's own admin role cannot be narrowed and holds access:servers: no admin should
        # read students' notebooks by the way. What a student's page may do to an admin who opens
        # it is another matter, see hub.origins.
        "name": "carrel-admin",
        "description": "Carrel's administrators",
        "scopes": [
            "admin:users",
            "admin:servers",
            "admin:groups",
            "tokens",
            "list:services",
            "read:services",
            "read:hub",
            "read:roles",
            "read:metrics",
            "proxy",
            ADMIN,
            PEOPLE,
        ],
        "groups": ["role-admin"],
    },
    {
        # Nothing of JupyterHub's: what teachers may do to whom is decided by ``hub.powers``.
        "name": "carrel-teacher",
        "description": "Carrel's teachers",
        "scopes": [PEOPLE],
        "groups": ["role-teacher"],
    },
    {
        "name": "carrel-web",
        "description": "The carrel service: ends logins and sessions of disabled accounts; has "
        "secrets sealed and Drives linked",
        "scopes": [
            "list:users",
            "read:users:name",
            "read:servers",
            "delete:servers",
            "delete:users",
            SEAL,
            DRIVE,
        ],
        "services": [WEB],
    },
    {
        "name": CULLER,
        "description": "Ends sessions that nobody uses",
        "scopes": ["list:users", "read:users:activity", "read:servers", "delete:servers"],
        "services": [CULLER],
    },
    {
        "name": HOUSEKEEPING,
        "description": "Puts out who is not let in any more; goes on with starts that waited; "
        "gives a new proxy its routes",
        "scopes": ["read:servers", "start:servers", "delete:servers", "delete:users", "proxy"],
        "services": [HOUSEKEEPING],
    },
    {
        "name": CLI,
        "description": "The ./carrel command inside the hub's container",
        "scopes": ["admin:users", "admin:servers", "tokens", "list:users", "read:users", ADMIN],
        "services": [CLI],
    },
]
