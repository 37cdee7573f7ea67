from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.s3_server import S3Server, serving


@pytest.fixture
def server(tmp_path: Path) -> Iterator[S3Server]:
    with serving(tmp_path / "buckets") as server:
        yield server
