"""Why a listed video has no features: the closed list of codes that a ledger may hold."""

from collections.abc import Iterable
from enum import StrEnum

from warehouse.errors import Invalid
from warehouse.identifiers import shown

OK = "ok"
MAX_DETAIL_CHARS = 300
"""How long a ledger's sentence on one video may be."""


class Reason(StrEnum):
    """One code for each way a video can end without features.

    A permanent reason stands until the video's bytes, its text or the recipe change; any other may
    pass when it is tried again, and counts against the failure budget.
    """

    NO_MEDIA = "no_media"
    """The listing names no medium. Permanent."""
    MEDIA_MISSING = "media_missing"
    """No file lies where the listing says. May pass."""
    MEDIA_UNREADABLE = "media_unreadable"
    """The file exists and can't be read: permissions, a failing disk, not a regular file. May
    pass."""
    MEDIA_CHANGED = "media_changed"
    """The file's bytes are not those that were ingested. May pass, after an ingest."""
    EMPTY_FILE = "empty_file"
    """The file has no bytes. Permanent."""
    TOO_LARGE = "too_large"
    """One video may not have so many bytes, pixels or frames. Permanent, until the limit that it
    met is raised."""
    OUT_OF_MEMORY = "out_of_memory"
    """Decoding takes more memory than one video may, in a worker that did nothing before.
    Permanent."""
    NOT_MEDIA = "not_media"
    """No intact container of an allowed format. Permanent."""
    NO_VIDEO_STREAM = "no_video_stream"
    """The container has sound or text alone, or only a cover picture. Permanent."""
    UNSUPPORTED_CODEC = "unsupported_codec"
    """The video stream's codec is not on the list of those decoded here, or it is encrypted.
    Permanent."""
    NO_FRAMES = "no_frames"
    """The video stream or the archive holds no picture. Permanent."""
    BAD_ARCHIVE = "bad_archive"
    """The zip is damaged, encrypted or larger than it says. Permanent."""
    DECODE_ERROR = "decode_error"
    """The decoder gave no frame, or a picture of the archive is broken. Permanent."""
    DECODED_SHORT = "decoded_short"
    """Some frames were decoded, but one that should exist could not be. Permanent."""
    DECODE_TIMEOUT = "decode_timeout"
    """Decoding took longer than its wall-clock limit and was killed. May pass, three times at
    most."""
    WORKER_DIED = "worker_died"
    """The decoding worker ended by itself: a crash, or the system ran out of memory. May pass,
    three times at most."""
    NO_TEXT = "no_text"
    """Title, OCR and ASR are all empty. Permanent."""

    @property
    def permanent(self) -> bool:
        """Whether running the extraction again can't help."""
        return self not in _MAY_PASS


_MAY_PASS = frozenset(
    {
        Reason.MEDIA_MISSING,
        Reason.MEDIA_UNREADABLE,
        Reason.MEDIA_CHANGED,
        Reason.DECODE_TIMEOUT,
        Reason.WORKER_DIED,
    }
)


CAUSED_BY_MEDIA = (Reason.DECODE_TIMEOUT, Reason.WORKER_DIED)
"""Reasons that may pass, and that whoever made the medium can bring about at will: they don't stay
so for ever."""
MAX_ATTEMPTS = 3
"""Finished runs in which a content may fail for such a reason; then it is given up: it stands, and
is tried once more only by a retry that names the reason, or where the limit that it met is
raised."""
RETRYABLE = tuple(reason for reason in Reason if not reason.permanent)
"""The reasons that may pass when they are tried again."""


def parse_retryable(codes: Iterable[str]) -> tuple[Reason, ...]:
    """Accept the reasons that a retry is asked for.

    Args:
        codes: as a ledger holds them.

    Returns:
        The reasons, in the order of the closed list, each once.

    Raises:
        Invalid: there is no such reason, it is permanent, or none is named.
    """
    asked, choice = set(codes), ", ".join(RETRYABLE)
    for code in sorted(asked):
        if code not in set(Reason):
            raise Invalid(f"there is no reason {shown(code)}; those that may pass are {choice}")
        if Reason(code).permanent:
            raise Invalid(
                f"{code} is permanent: it stands until the video's bytes, its text or the recipe"
                f" change, or a limit that it met is raised; those that may pass are {choice}"
            )
    if not asked:
        raise Invalid(f"a retry needs a reason; those that may pass are {choice}")
    return tuple(reason for reason in RETRYABLE if reason in asked)
