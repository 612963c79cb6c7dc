"""What an engine without user remapping means, for `up`, `doctor` and the admin page."""

from __future__ import annotations

WARNING = (
    "The engine does not remap users (userns-remap): root in a session is root on this host to "
    "the kernel, held back by capabilities, seccomp and no-new-privileges alone."
)
REMEDY = (
    'Put {"userns-remap": "default"} into /etc/docker/daemon.json, restart Docker and run '
    "./carrel up. The engine then starts with an empty image store, so the images are built anew; "
    "homes, databases and secrets are handed over."
)
