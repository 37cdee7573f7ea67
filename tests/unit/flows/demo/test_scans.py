from itertools import combinations

from flows.demo.scans import DIGITS, Scans


def test_no_scan_is_in_two_parts(scans: Scans) -> None:
    contents = [
        {image.tobytes() for image in part.images}
        for part in (scans.encoder, scans.training, scans.scoring)
    ]
    assert sum(map(len, contents)) == 1797
    assert all(not one & other for one, other in combinations(contents, 2))


def test_every_part_has_every_digit(scans: Scans) -> None:
    for part in (scans.encoder, scans.training, scans.scoring):
        assert set(part.digits) == set(DIGITS)
        assert part.images.min() == 0
        assert part.images.max() == 1
