"""What can go wrong on either side, in the words of the engine; nothing else is ever raised."""

from __future__ import annotations


class Fault(Exception):  # noqa: N818  they are states of affairs, each with its answer
    """Of one operation: the trees are looked at again, and planned anew."""


# Drive's side


class Lost(Fault):
    """No answer came (network, 5xx, an HTML page): it may have been done, or not."""


class Busy(Fault):
    """Drive wants us to slow down; nothing was done. Told after the retries were used up."""


class Changed(Fault):
    """The file is not any more what was read (412, another revision, another md5)."""


class Exists(Fault):
    """There is a file of this id already (409): an earlier try came through."""


class Gone(Fault):
    """No such file (404)."""


class NotAllowed(Fault):
    """Drive forbids it for this file (403), and will next time."""


class RemoteFull(Fault):
    """Drive's storage quota is used up."""


class CursorRejected(Fault):
    """The list of changes cannot be continued from this cursor."""


class DeadGrant(Fault):
    """The user's consent does not hold any more: revoked, expired, or withdrawn here."""


# The disk's side


class LocalChanged(Fault):
    """The file is not any more what was scanned."""


class LocalOpen(LocalChanged):
    """The document was opened meanwhile, or nobody knows any more whether it was."""


class LocalExists(Fault):
    """Something is at that path already."""


class LocalGone(Fault):
    """The file, or the folder it should go into, is not there."""


class LocalFull(Fault):
    """No space (ENOSPC, EDQUOT), or the user's cap is reached."""


class LocalRefused(Fault):
    """The disk says no (EACCES, EPERM, EIO, ENAMETOOLONG); ``str`` says what."""


class Unmounted(Fault):
    """The folder is not the one that was synced: not there, emptied away, or another disk."""
