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

HOMES = "homes"
"""Folder of the data directory that holds the homes; students write inside a home, never here."""

COURSES = "courses"
SHARED = "shared"
"""``courses/<slug>/shared`` in the data directory is what a course's people see, to read."""
COURSES_INSIDE = "/opt/carrel/courses"
"""Where a session finds them: a folder per course."""
COURSE = r"[a-z][a-z0-9-]{1,39}"
"""A course's name in paths and addresses."""
MOST_COURSES = 64
"""That one session sees at once."""

GIB = 1024**3
MIB = 1024**2
