"""What is said where the cluster that shares a work cannot be used."""

import sys
from pathlib import Path

import pytest

from flows.deployments.clusters import share_on_cluster
from flows.settings import load_settings
from warehouse.errors import Invalid


@pytest.mark.parametrize("engine", ["ray", "dask"])
def test_a_missing_extra_is_named(
    engine: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "reelstore.toml").write_text(f'task_runner = "{engine}"')
    monkeypatch.setenv("REELSTORE_CONFIG", str(tmp_path / "reelstore.toml"))
    monkeypatch.setitem(sys.modules, f"prefect_{engine}", None)
    run_shares = share_on_cluster(load_settings())
    with pytest.raises(Invalid, match=rf"install reelstore\[{engine}\]$"):
        run_shares("extract-chunks", [], print)
