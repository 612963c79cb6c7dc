"""What every session container is held to: the facts that plan, spawner and node share.

The five capabilities are what ``apt-get install`` needs as root in a container under the
default seccomp profile and no-new-privileges (run on Debian trixie); NET_RAW and MKNOD are not
among them.
"""

from __future__ import annotations

CAPABILITIES = ("CHOWN", "DAC_OVERRIDE", "FOWNER", "SETGID", "SETUID")
SECURITY_OPT = ("no-new-privileges",)

CONTENT = "/content"
"""Where a home is mounted; also HOME and JupyterLab's root, as in Colab."""

SERVER_PORT = 8888
"""TCP port of the notebook server inside its container."""

LABEL_PROJECT = "carrel.project"
LABEL_SESSION = "carrel.session"
LABEL_USER = "carrel.user"
LABEL_PROFILE = "carrel.profile"
LABEL_DRIVE = "carrel.drive"
"""On a Drive sidecar, with its session's id; never LABEL_SESSION, which would make it a session."""

HOMES = "homes"
"""Folder of the data directory that holds the homes; students write inside a home, never here."""

DRIVE = "drive"
"""``drive/<user>`` in the data directory: their files of Google Drive, in ``MyDrive``."""
DRIVE_INSIDE = "/content/drive"
"""Where a session finds that folder."""
DRIVE_STATE = "drive-state"
"""``drive-state/<user>``: what the sidecar knows of the sync; no session sees it."""
MY_DRIVE = "MyDrive"
DRIVE_OWN = ".carrel"
"""Beside MyDrive: what session and sidecar tell one another, and the local trash."""

COURSES = "courses"
SHARED = "shared"
"""``courses/<slug>/shared`` in the data directory is what a course's people see, to read."""
INCOMING = "incoming"
"""``courses/<slug>/incoming`` is what came for a course and is not published; the hub's alone."""
COURSES_INSIDE = "/opt/carrel/courses"
"""Where a session finds them: a folder per course."""
COURSE = r"[a-z][a-z0-9-]{1,39}"
"""A course's name in paths and addresses."""
MOST_COURSES = 64
"""That one session sees at once."""

ARCHIVE_ROOT = "home"
"""What all of a tar is in that node makes: of a home, a part of one, a git branch."""
ARCHIVE_LEFT_OUT = "home-left-out.txt"
"""Beside it: what is not in the archive, and why, a line each."""

BRANCH = r"(?![-./])(?!.*(\.\.|//|\.lock$|/$|\.$))[A-Za-z0-9._/-]{0,200}"
"""A git branch that may be asked for; empty: the repository's own choice."""

MOST_REQUIREMENTS_BYTES = 64 * 1024
"""Of a course's requirements.txt."""
PROXY_VARIABLES = (
    "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy",
)  # fmt: skip
"""How programs are told of a site's own way to the internet."""
PACKAGES = "packages"
"""``courses/<slug>/shared/packages`` holds a course's extra packages: a folder per layer, and the
file CURRENT, which names the one in use."""
CURRENT = "current"

GIB = 1024**3
MIB = 1024**2
