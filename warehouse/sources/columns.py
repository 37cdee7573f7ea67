"""The columns of a manifest, whatever its format."""

from collections.abc import Iterable

from warehouse.errors import Invalid
from warehouse.identifiers import shown

_KNOWN = ("video_id", "path", "title", "asr", "ocr", "category_id")


def check_columns(columns: Iterable[str], where: str) -> None:
    """Refuse what lacks the video's id, or has a column that would be ignored.

    Args:
        columns: The names.
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
        if name not in _KNOWN or names.count(name) > 1:
            raise Invalid(
                f"{where} has an unexpected column {shown(name)}: known are {', '.join(_KNOWN)},"
                " each once"
            )
