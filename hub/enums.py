"""The closed sets of words that the database, rules and the command line share.

Apart from the tables, so that the command line can name them on a host without SQLAlchemy.
"""

from __future__ import annotations

from enum import Enum


class Role(Enum):
    """What an account may be."""

    STUDENT = "student"
    TEACHER = "teacher"
    ADMIN = "admin"


class Provider(Enum):
    """Who knows people's passwords: Carrel, or a single sign-on provider."""

    LOCAL = "local"
    GOOGLE = "google"
    GITHUB = "github"
    GITLAB = "gitlab"
    OIDC = "oidc"


class LinkKind(Enum):
    """What a link is good for."""

    INVITATION = "invitation"
    RESET = "reset"


class LinkState(Enum):
    """Whether a link can be used."""

    OPEN = "open"
    USED = "used"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"


class Interface(Enum):
    """What a session opens in: Notebook 7's single-document view, or JupyterLab."""

    NOTEBOOK = "notebook"
    LAB = "lab"


class State(Enum):
    """Where a session is. *Unknown* is no state: it is the engine that cannot be asked."""

    QUEUED = "queued"
    STARTING = "starting"
    RUNNING = "running"
    DRAINING = "draining"
    ENDED = "ended"


class Reason(Enum):
    """Why a session ended."""

    STOPPED_BY_USER = "stopped_by_user"
    ADMIN = "admin"
    IDLE = "idle"
    FAILED_TO_START = "failed_to_start"
    EXITED = "exited"
    OUT_OF_MEMORY = "out_of_memory"
    ENGINE_LOST = "engine_lost"
    UNKNOWN = "unknown"


class Unknown(Enum):
    """Why nothing is known of a session that has not ended."""

    ENGINE = "engine"
    PAUSED = "paused"
    UNWATCHED = "unwatched"


class Transaction(Enum):
    """What a transaction of the store is for."""

    READING = "reading"
    DECIDING = "deciding"
    MIGRATING = "migrating"


class Joining(Enum):
    """How people come into a course: whoever has the link, with a code too, or only by a teacher's
    hand."""

    OPEN = "open"
    CODE = "code"
    CLOSED = "closed"


class CourseRole(Enum):
    """What somebody is in a course; teachers of one are equal."""

    TEACHER = "teacher"
    STUDENT = "student"


class Source(Enum):
    """Where a version of a course's materials came from."""

    SESSION = "session"
    GIT = "git"
    UPLOAD = "upload"
    UNDO = "undo"


class LinkTarget(Enum):
    """What a link opens in somebody's session."""

    COURSE = "course"
    GITHUB = "github"


class OrderState(Enum):
    """Where the reading of a tree into a course's materials is."""

    WAITING = "waiting"
    READING = "reading"
    READY = "ready"
    FAILED = "failed"


class GrantState(Enum):
    """What a notebook is to a secret: it wanted it and was told no, or it may read it."""

    ASKED = "asked"
    GRANTED = "granted"


class LayerState(Enum):
    """Where the build of a course's extra packages is."""

    WAITING = "waiting"
    BUILDING = "building"
    READY = "ready"
    FAILED = "failed"


class DriveState(Enum):
    """Where somebody's consent to reach their Drive stands."""

    LINKED = "linked"
    RECONNECT = "reconnect"
    """Google says that it is no good any more; they have to consent anew."""
    DISCONNECTED = "disconnected"


class DriveScope(Enum):
    """How much of a Drive is asked for."""

    FULL = "full"
    APP_FOLDER = "app_folder"
    """Only what Carrel made itself; what was there before is not seen."""
    READ_ONLY = "read_only"


class DriveExport(Enum):
    """What Google's own documents are on disk."""

    LINKS = "links"
    OFFICE = "office"


class SyncState(Enum):
    """What a sidecar says that it is doing (``drivesync.report.State``)."""

    STARTING = "starting"
    SYNCING = "syncing"
    IDLE = "idle"
    PAUSED = "paused"
    ENDED = "ended"


class SyncPause(Enum):
    """Why a sidecar says that nothing goes on (``drivesync.report.Pause``)."""

    RECONNECT = "reconnect"
    OFFLINE = "offline"
    BUSY = "busy"
    UNMOUNTED = "unmounted"
    MASS_DELETE = "mass delete"
    REMOTE_FULL = "remote full"
    LOCAL_FULL = "local full"
    NO_FOLDERS = "no folders"
