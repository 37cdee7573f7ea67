import json
import tempfile
from pathlib import Path, PurePosixPath

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from warehouse.errors import Invalid
from warehouse.identifiers import parse_partition_name
from warehouse.sources.manifest import read_records
from warehouse.sources.ocr import storable
from warehouse.storage.files import canonical_json
from warehouse.tables import to_parquet
from warehouse.tables.split import is_validation, smallest_salt

ANY_TEXT = st.text(st.characters(exclude_categories=()))
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda values: st.lists(values) | st.dictionaries(st.text(), values),
)


@given(st.one_of(ANY_TEXT, st.text("./\\a-_ \0", max_size=8)))
def test_parsed_name_is_one_plain_part_of_a_path(text: str) -> None:
    try:
        name = parse_partition_name(text)
    except Invalid:
        return
    assert name == text
    assert PurePosixPath("root", name).parts == ("root", name)
    assert name.isascii()


@given(st.text("./a\\ ~", min_size=1, max_size=12))
def test_media_path_of_a_manifest_never_leaves_its_folder(path: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        listing = Path(folder, "manifest.jsonl")
        listing.write_text(json.dumps({"video_id": "a", "path": path}))
        try:
            (record,) = read_records(listing, "day")
        except Invalid:
            return
        assert record.media_path is not None
        reached = (listing.parent / record.media_path).resolve()
        assert reached.is_relative_to(listing.parent.resolve())
        assert reached != listing.parent.resolve()


PIECES = [
    "video_id",
    "path",
    "ocr",
    ",",
    '"',
    "{",
    "}",
    "[",
    "]",
    ":",
    "\n",
    "\r",
    "a",
    "1e999",
    "NaN",
    "标题",
    "\\ud800",
]
LINES = {
    "jsonl": '{"video_id": "v", "ocr": "[{\\"time\\": 1, \\"text\\": \\"字\\"}]"}\n'.encode(),
    "csv": 'video_id,title,ocr\nv,"标题","[{""time"": 1, ""text"": ""字""}]"\n'.encode(),
}


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from(sorted(LINES)),
    st.integers(0, 60),
    st.lists(st.sampled_from(PIECES).map(str.encode) | st.binary(max_size=3), max_size=6).map(
        b"".join
    ),
)
def test_whatever_a_manifest_holds_is_a_row_or_a_sentence_of_one_line(
    suffix: str, place: int, given_: bytes
) -> None:
    line, refused = LINES[suffix], list[Invalid]()
    with tempfile.TemporaryDirectory() as folder:
        listing = Path(folder, f"manifest.{suffix}")
        listing.write_bytes(line[:place] + given_ + line[place:])
        try:
            assert all(record.video_id for record in read_records(listing, "day", refused.append))
        except Invalid as error:
            refused.append(error)
    for found in refused:
        assert str(found).isprintable()


@given(ANY_TEXT)
def test_storable_text_survives_parquet(text: str) -> None:
    kept = storable(text)
    assert pl.read_parquet(to_parquet(pl.DataFrame({"text": [kept]})))["text"].to_list() == [kept]
    assert len(kept) == len(text)
    assert storable(kept) == kept


@settings(max_examples=50)
@given(JSON)
def test_canonical_json_says_the_same_and_is_stable(value: object) -> None:
    text = canonical_json(value)
    assert json.loads(text) == value
    assert canonical_json(json.loads(text)) == text


@settings(max_examples=25)
@given(st.lists(st.tuples(st.integers(0, 300), st.sampled_from("abc")), max_size=120))
def test_video_keeps_its_side_whatever_else_is_listed(rows: list[tuple[int, str]]) -> None:
    contents, categories = [str(content) for content, _ in rows], [category for _, category in rows]
    salt = smallest_salt(contents, categories)
    assert salt == smallest_salt(contents[::-1], categories[::-1])
    assert salt == smallest_salt(contents * 2, categories * 2)
    assert all(is_validation(salt, content) == is_validation(salt, content) for content in contents)
