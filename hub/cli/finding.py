"""What a doctor says: one line about each thing that was looked at."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True)
class Finding:
    """One line of the doctor: what was looked at, how it stands, what to do."""

    subject: str
    state: str
    """`ok`, `warning` or `bad`."""
    says: str
    remedy: str = ""
