"""docs/formats.md says what the code writes, and its example reads a store without Reelstore."""

import fnmatch
import os
import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, get_args

import h5py
import polars as pl
import pytest

from featurestore.progress.ledger import MediaLedger
from featurestore.progress.reasons import Reason
from featurestore.views.frames.frame_spec import FrameSpec
from featurestore.views.text.text_spec import TextSpec
from featurestore.views.text.tokens import Tokens
from modeling.evaluation.distributions import Statistics, TextStatistics
from modeling.evaluation.drift.day_statistics import KINDS, DayStatistic
from modeling.evaluation.drift.verdict import JudgedStatistic
from modeling.models.drift_judgements import StoredDrift
from modeling.models.gate import Evidence, Outcome, SliceGain
from modeling.models.stored_config import StoredConfig
from modeling.models.stored_decisions import Decision
from modeling.network.probabilities import Calibration
from warehouse import catalog, commits, tables
from warehouse.identifiers import Role
from warehouse.ingest import media_digests
from warehouse.store import open_existing_store

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/formats.md").read_text(encoding="utf-8")
EXAMPLE = ROOT / "docs/examples/read_plainly.py"

SCHEMAS: dict[str, Mapping[str, Any]] = {
    "videos.parquet": tables.Videos.create_empty().schema,
    "labels.parquet": tables.Labels.create_empty().schema,
    "media.parquet": pl.DataFrame(schema=media_digests._DIGESTS).schema,  # noqa: SLF001 - what is written
    "predictions-00000.parquet": tables.Predictions.create_empty().schema,
    "ledger.parquet": MediaLedger.create_empty().schema,
    "shard-00000.parquet": Tokens.create_empty().schema,
}


def section(title: str) -> str:
    found = re.search(
        rf"^### [^\n]*`{re.escape(title)}`.*?(?=^##)", PAGE, flags=re.MULTILINE | re.DOTALL
    )
    assert found, f"no section about {title}"
    return found[0]


@pytest.mark.parametrize(("name", "schema"), SCHEMAS.items(), ids=SCHEMAS)
def test_each_column_of_a_table_is_there_with_its_type_and_no_other(
    name: str, schema: Mapping[str, Any]
) -> None:
    rows = re.findall(
        r"^\| `(\w+)` \| (.+?) \| (?:yes|no) \| .+ \|$", section(name), flags=re.MULTILINE
    )
    assert rows == [(column, str(kind)) for column, kind in schema.items()]


@pytest.mark.parametrize(
    "schema", [tables.Videos, tables.Labels, tables.Predictions, MediaLedger, Tokens]
)
def test_each_column_says_whether_it_may_be_null(schema: Any) -> None:
    for name, column in schema.columns().items():
        kind = re.escape(str(schema.create_empty().schema[name]))
        assert re.search(
            rf"^\| `{name}` \| {kind} \| {'yes' if column.nullable else 'no'} \|",
            PAGE,
            re.MULTILINE,
        )


def test_each_field_of_the_recipes_and_of_a_models_configuration_is_there() -> None:
    recipes = PAGE.split("### `spec.json`")[1].split("### ")[0]
    frames, text = recipes.split("| of text | meaning |")
    for table, spec in ((frames, FrameSpec), (text, TextSpec)):
        fields = re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)
        assert sorted(fields) == sorted(spec.model_fields)
    assert all(
        f"`{name}`" in PAGE for name in (*StoredConfig.model_fields, *Calibration.model_fields)
    )
    described = PAGE.split("**`statistics.json`**:")[1].split("Facts:")[0]
    rows = re.findall(r"^\| (`.+?) \|", described, re.MULTILINE)
    assert re.findall(r"`(\w+)`", " ".join(rows)) == list(Statistics.model_fields)
    assert all(
        f"({name}" in described or f" {name}" in described for name in TextStatistics.model_fields
    )


def test_each_field_of_a_judgement_of_drift_is_there() -> None:
    described = PAGE.split("**`drift.json`**")[1].split("Facts:")[0]
    assert re.findall(r"^\| `(\w+)` \|", described, re.MULTILINE) == list(StoredDrift.model_fields)
    fields = (*DayStatistic.model_fields, *JudgedStatistic.model_fields)
    assert all(f"`{name}`" in described for name in fields)


def test_each_number_of_a_day_is_explained() -> None:
    page = (ROOT / "docs/drift.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (`\w+`(?:, `\w+`)*) \|", page, re.MULTILINE)
    assert sorted(re.findall(r"`(\w+)`", " ".join(rows))) == sorted(KINDS)


def test_each_field_of_a_decision_is_there() -> None:
    keys, evidence = PAGE.split("## Decisions")[1].split("| key of `evidence`")
    assert re.findall(r"^\| `(\w+)` \|", keys, re.MULTILINE) == list(Decision.model_fields)
    rows = re.findall(r"^\| (`.+?) \|", evidence.split("## The journal")[0], re.MULTILINE)
    assert re.findall(r"`(\w+)`", " ".join(rows)) == list(Evidence.model_fields)
    assert all(f"`{name}`" in evidence for name in SliceGain.model_fields)
    assert all(f"`{outcome}`" in keys for outcome in get_args(Outcome))


def test_each_outcome_and_role_is_there() -> None:
    assert re.findall(r"`(\w+)`", section("ledger.parquet").split("Outcomes")[1]) == [
        "ok",
        *map(str, Reason),
    ]
    assert all(f"`{role}`" in section("videos.parquet") for role in get_args(Role))


def test_each_table_of_the_catalog_is_there_with_its_columns() -> None:
    rows = dict(
        re.findall(r"^\| `(\w+)` \| (.*) \|$", PAGE.split("## The catalog")[1], flags=re.MULTILINE)
    )
    columns = {
        table.name: [column.name for column in table.columns]
        for table in catalog.metadata.sorted_tables
    }
    assert {name: re.findall(r"`(\w+)`", row) for name, row in rows.items()} == columns


def test_each_file_of_a_store_is_named(golden: Callable[[str], Path]) -> None:
    root = golden("1")
    store = open_existing_store(root)
    named = set(re.findall(r"`([\w.-]+\.(?:json|parquet|h5|csv|txt|md|safetensors))`", PAGE))
    patterns = [re.sub(r"0000\d", "*", name) for name in named]
    kept = [
        commit for dataset in commits.datasets(store) for commit in commits.commits(store, dataset)
    ]
    written = {
        name for commit in kept for name in (*commit.files, "manifest.json", "provenance.json")
    }
    assert len(written) > 15
    assert [
        name
        for name in sorted(written)
        if not any(fnmatch.fnmatch(name, wanted) for wanted in patterns)
    ] == []
    folders = {
        re.sub(r"=[\w.-]+", "=", commit.address.folder(root).relative_to(root).as_posix())
        for commit in kept
    }
    tree = PAGE.split("## The folders")[1].split("```")[1]
    lines = [
        re.sub(r"=[A-Z]+", "=", line.split("/COMMIT")[0])
        for line in tree.splitlines()
        if "/COMMIT" in line
    ]
    assert {re.sub(r"/[0-9a-f]{12}(?=/)", "/FINGERPRINT", folder) for folder in folders} <= set(
        lines
    )


def test_datasets_of_a_shard_are_those_named_with_their_types(
    golden: Callable[[str], Path],
) -> None:
    root = golden("1")
    for pattern, title in (("shard-*.h5", "shard-00000.h5"), ("preview-*.h5", "preview-00000.h5")):
        rows = dict(re.findall(r"^\| `/(\w+)` \| ([\w-]+)", section(title), flags=re.MULTILINE))
        with h5py.File(next(root.rglob(pattern)), "r") as file:
            types = {
                name: h5py.check_dtype(vlen=file[name].dtype) or file[name].dtype for name in file
            }
            assert {
                name: "UTF-8" if kind is str else str(kind) for name, kind in types.items()
            } == rows
            assert file.attrs["format_version"] == 1


PLAIN = """
import runpy, sys
sys.argv = ["read_plainly.py", sys.argv[2]] if (path := sys.argv[1]) else []
runpy.run_path(path, run_name="__main__")
packages = {name.split(".")[0] for name in sys.modules}
ours = {"flows", "featurestore", "modeling", "warehouse"} & packages
sys.exit(f"imported {sorted(ours)}" if ours else 0)
"""


def test_a_store_is_read_without_reelstore(golden: Callable[[str], Path]) -> None:
    words = [sys.executable, "-c", PLAIN, str(EXAMPLE), str(golden("4"))]
    done = subprocess.run(
        words, capture_output=True, text=True, check=False, env=os.environ, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert "heads, " in done.stdout
    assert "23 videos" in done.stdout
    assert "float16 (19, 8, 4)" in done.stdout
    assert "3 predictions of model f518c43de02575d3" in done.stdout
    assert re.search(r"category 0000: \d+ videos with text, \d+\.\d+ tokens", done.stdout)


def test_the_plain_reader_sees_a_flipped_bit(golden: Callable[[str], Path]) -> None:
    root = golden("1")
    shard = next(root.rglob("shard-00000.h5"))
    payload = bytearray(shard.read_bytes())
    payload[-1] ^= 1
    shard.write_bytes(payload)
    done = subprocess.run(
        [sys.executable, str(EXAMPLE), str(root)],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 1
    assert "shard-00000.h5 has changed bytes" in done.stderr
