"""The columns of a listing, whatever its format."""

from collections.abc import Iterable, Sequence

from warehouse.errors import Invalid
from warehouse.identifiers import shown


def check_columns(columns: Iterable[str], known: Sequence[str], where: str) -> None:
    """Refuse what lacks the video's id, or has a column that would be ignored.

    Args:
        columns: The names.
        known: Those that are read.
        where: The file, and the row where each has its own names.

    Raises:
        Invalid: `video_id` is not there, or a name is unknown or repeated.
    """
    names = list(columns)
    if "video_id" not in names:
        raise Invalid(
            f"{where} has no video_id: give it for each video, and path where there is a medium"
        )
    for name in names:
        if name not in known or names.count(name) > 1:
            raise Invalid(
                f"{where} has an unexpected column {shown(name)}: known are {', '.join(known)},"
                " each once"
            )
