import csv
import io
import json
from pathlib import Path

import av
import pytest

from flows.demo.corpus import Corpus, encode_clip, make_corpus
from flows.demo.outline import TEST_SIZES, outline_corpus
from flows.demo.scans import Scans
from warehouse.errors import Invalid


def _rows(corpus: Corpus, name: str) -> list[dict[str, str]]:
    (partition,) = (partition for partition in corpus.partitions if partition.name == name)
    return [
        json.loads(line) for line in partition.manifest.read_text(encoding="utf-8").splitlines()
    ]


def test_drawn_files_are_h264_of_the_length_planned(drawn: Corpus, scans: Scans) -> None:
    for partition in outline_corpus(7, TEST_SIZES, scans):
        for clip in partition.clips:
            if clip.make == "drawn":
                with av.open(str(drawn.folder / clip.path)) as container:
                    stream = container.streams.video[0]
                    assert stream.codec_context.name == "h264"
                    assert sum(1 for _ in container.decode(stream)) == clip.num_frames
                    assert stream.average_rate == clip.frame_rate


def test_broken_files_are_broken_as_planned(drawn: Corpus, scans: Scans) -> None:
    seen = set()
    for partition in outline_corpus(7, TEST_SIZES, scans):
        for clip in partition.clips:
            path = drawn.folder / clip.path
            seen.add(clip.make)
            if clip.make == "missing":
                assert not path.exists()
            elif clip.make == "empty":
                assert path.read_bytes() == b""
            elif clip.make == "truncated":
                with pytest.raises(av.FFmpegError):
                    av.open(str(path))
            elif clip.make == "audio":
                with av.open(str(path)) as container:
                    assert [stream.type for stream in container.streams] == ["audio"]
            elif clip.make == "listing":
                assert path.read_text().startswith("ffconcat")
    assert len(seen) >= 4


def test_only_labeled_manifests_tell_categories(drawn: Corpus) -> None:
    for partition in drawn.partitions:
        rows = _rows(drawn, partition.name)
        assert len(rows) == partition.num_videos
        assert all(("category_id" in row) == (partition.role == "labeled") for row in rows)


def test_truth_has_every_scored_video_and_no_other(drawn: Corpus) -> None:
    truth = {row["video_id"] for row in csv.DictReader(io.StringIO(drawn.truth.read_text()))}
    scored = [part.name for part in drawn.partitions if part.role == "score"]
    assert truth == {row["video_id"] for name in scored for row in _rows(drawn, name)}


def test_taxonomy_has_the_category_of_every_label(drawn: Corpus) -> None:
    taxonomy = {
        row["category_id"]: row for row in csv.DictReader(io.StringIO(drawn.taxonomy.read_text()))
    }
    assert {row["category_id"] for row in _rows(drawn, "labeled")} <= set(taxonomy)
    assert all(row["level1_id"] == category_id[:2] for category_id, row in taxonomy.items())


def test_same_seed_gives_the_same_bytes_with_another_number_of_workers(
    drawn: Corpus, tmp_path: Path
) -> None:
    assert (
        make_corpus(tmp_path / "again", seed=7, sizes=TEST_SIZES, num_workers=1).digest
        == drawn.digest
    )


def test_encoding_a_clip_again_gives_the_same_bytes(scans: Scans) -> None:
    clip = outline_corpus(7, TEST_SIZES, scans)[0].clips[-1]
    scan = scans.training.images[clip.scan]
    assert len({encode_clip(clip, scan) for _ in range(15)}) == 1


def test_whole_corpus_is_not_drawn_again(drawn: Corpus) -> None:
    def refuse(_done: int, _total: int) -> None:
        pytest.fail("it was drawn again")

    assert make_corpus(drawn.folder, seed=7, sizes=TEST_SIZES, progress=refuse) == drawn


def test_damaged_corpus_is_drawn_again(tmp_path: Path) -> None:
    sizes = TEST_SIZES.__class__(unlabeled=1, labeled=1, scored_day=1, longest_seconds=1.1)
    first = make_corpus(tmp_path / "corpus", seed=1, sizes=sizes, num_workers=1)
    first.truth.write_text("video_id,category_id\n")
    told: list[tuple[int, int]] = []
    again = make_corpus(
        tmp_path / "corpus",
        seed=1,
        sizes=sizes,
        num_workers=1,
        progress=lambda *done: told.append(done),
    )
    assert again.digest == first.digest
    assert again.truth.read_text() != "video_id,category_id\n"
    assert told
    assert told[-1][0] == told[-1][1]


def test_folder_of_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(Invalid, match="not a drawn corpus"):
        make_corpus(tmp_path, seed=1, sizes=TEST_SIZES)
    assert (tmp_path / "thesis.txt").read_text() == "years of work"
