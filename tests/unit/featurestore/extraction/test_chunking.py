import polars as pl
import pytest

from featurestore.extraction import chunking


def listing(contents: list[str]) -> pl.DataFrame:
    ids = [f"v{place:06d}" for place in range(len(contents))]
    return pl.DataFrame(
        {"video_id": ids, "content_sha256": contents},
        schema={"video_id": pl.String, "content_sha256": pl.String},
    )


@pytest.mark.parametrize(
    ("count", "sizes"), [(0, []), (1, [1]), (512, [512]), (513, [512, 1]), (1500, [512, 512, 476])]
)
def test_chunks_hold_512_contents(count: int, sizes: list[int]) -> None:
    chunks = chunking.chunks(listing([f"c{place}" for place in range(count)]), "content_sha256")
    assert [len(chunk) for chunk in chunks] == sizes


def test_videos_of_equal_content_share_a_chunk() -> None:
    contents = [f"c{place}" for place in range(600)]
    contents[599] = "c0"
    chunks = chunking.chunks(listing(contents), "content_sha256")
    assert chunks[0]["video_id"].to_list()[-1] == "v000599"
    assert [len(chunk) for chunk in chunks] == [513, 87]


def test_every_listed_video_is_in_one_chunk_in_the_order_of_ids() -> None:
    videos = listing([f"c{place % 700}" for place in range(2000)]).sample(
        fraction=1, shuffle=True, seed=3
    )
    chunks = chunking.chunks(videos, "content_sha256")
    assert sorted(pl.concat(chunks)["video_id"]) == sorted(videos["video_id"])
    assert all(chunk["video_id"].is_sorted() for chunk in chunks)
