"""Features of an earlier transform version are read for as long as they are there.

And never made again.
"""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from featurestore import wanted
from featurestore.extraction import jobs
from featurestore.extraction.frames import FrameExtractor
from featurestore.extraction.words.fields import Fields
from featurestore.extraction.words.text import TextRecipe, make_text_spec
from featurestore.extraction.words.tfidf import count_terms, fit_tfidf
from featurestore.views.frames.frame_spec import FrameSpec
from featurestore.views.registry import parse_spec
from featurestore.views.spec import Spec, changes, fingerprint, short, spec_json
from featurestore.views.text.text_spec import TextSpec, TfidfParameters
from flows.operations.planning import plan_store
from flows.operations.status import store_status
from modeling.models import registry, scored_partitions
from modeling.models.stored_model import MODELS
from tests.operations import run_flow
from tests.specs import bare_frame_spec
from warehouse import commits, tables
from warehouse.commits import Address
from warehouse.errors import Invalid, ReelstoreError
from warehouse.store import Store, open_existing_store

NOW = datetime(2026, 12, 1, tzinfo=UTC)
SETTINGS = (
    'root = "golden"\nencoder_weights = "none.pth"\nvocabulary = "none.txt"\npreset = "demo"\n'
)
VOCABULARY = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n字\n".encode()
TERMS = fit_tfidf(
    [count_terms([Fields("文字", "", "")])], TfidfParameters(min_document_frequency=1)
)


def of_version(spec: Spec, version: int) -> Spec:
    return spec.model_copy(update={"transform_version": version})


def specs(version: int) -> tuple[Spec, Spec]:
    text = make_text_spec(TERMS, VOCABULARY, TfidfParameters())
    return of_version(bare_frame_spec(4), version), of_version(text, version)


@pytest.fixture
def old(golden: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    """A store of version 1 with a champion, as an upgraded Reelstore finds it."""
    root = golden("1")
    (tmp_path / "reelstore.toml").write_text(SETTINGS)
    monkeypatch.setenv("REELSTORE_CONFIG", str(tmp_path / "reelstore.toml"))
    return open_existing_store(root)


def add_day(store: Store, name: str) -> None:
    """List two videos under new ids, with the texts and media of others."""
    rows = tables.read_videos(tables.video_partition(store, "2026-11-20")).head(2)
    renamed = rows.with_columns(video_id=pl.concat_str(pl.lit(name), "video_id"))
    tables.publish_videos(store, name, "score", renamed, Path("/media"), NOW)


def refused(flow: str, **parameters: Any) -> str:
    """The sentence with which a flow ends."""
    with pytest.raises(ReelstoreError) as ended:
        run_flow(flow, **parameters)
    return str(ended.value)


def test_a_spec_of_version_1_keeps_its_bytes_and_its_fingerprint(old: Store) -> None:
    for view, name in wanted.require(old).items():
        spec = wanted.load_any_spec(old, view, name)
        assert spec.transform_version == 1
        assert fingerprint(spec) == name
        assert spec_json(spec) == commits.read_bytes(
            wanted.spec_commit(old, view, name), "spec.json"
        )


@pytest.mark.parametrize("version", [1, 2, 3])
def test_a_spec_of_any_transform_version_is_read_and_written_alike(version: int) -> None:
    for spec in specs(version):
        assert parse_spec(spec_json(spec)) == spec


def test_the_step_is_shown_with_the_fields_that_version_1_did_not_have() -> None:
    (old_frames, old_text), (frames, text) = specs(1), specs(2)
    assert changes(old_frames, frames) == {
        "transform_version": (1, 2),
        "crop_mode": (None, "center"),
    }
    assert changes(old_text, text) == {"transform_version": (1, 2)}


@pytest.mark.parametrize(
    ("version", "remedy"), [(1, "run reelstore apply"), (3, "upgrade Reelstore")]
)
def test_no_extractor_makes_features_of_another_version(
    version: int, remedy: str, tmp_path: Path
) -> None:
    frames, text = specs(version)
    assert isinstance(frames, FrameSpec)
    assert isinstance(text, TextSpec)
    with pytest.raises(
        Invalid, match=rf"transform version {version}, .* makes version 2 only; {remedy}"
    ):
        FrameExtractor(frames, tmp_path / "none.pth", 1)
    with pytest.raises(
        Invalid, match=rf"transform version {version}, .* makes version 2 only; {remedy}"
    ):
        TextRecipe(text, VOCABULARY, TERMS)


def test_extraction_under_a_wanted_recipe_of_version_1_is_refused_before_any_work(
    old: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs.Extraction, "run", None)
    add_day(old, "2026-12-01")
    before = sorted(old.root.rglob("*"))
    for parameters in ({}, {"partition": "2026-12-01"}, {"retry": ["decode_timeout"]}):
        assert (
            "transform version 1, and this Reelstore makes version 2 only; run reelstore apply"
            in refused("extract-features", **parameters)
        )
    with pytest.raises(Invalid, match="run reelstore apply"):
        plan_store(old)
    assert sorted(old.root.rglob("*")) == before


def test_status_of_a_store_of_version_1_says_what_to_type(
    old: Store, run: Callable[..., tuple[int, str, str]], tmp_path: Path
) -> None:
    (tmp_path / "reelstore.toml").write_text(SETTINGS)
    add_day(old, "2026-12-01")
    code, out, _ = run("status")
    said = " ".join(out.split())
    assert code == 0
    assert (
        "transform version 1, and this Reelstore makes version 2 only; run reelstore apply" in said
    )
    assert "new days are scored once a model of version 2 is champion" in said
    assert "run extract-features" not in said
    assert "run score-partitions" not in said
    shown = json.loads(run("status", "--json")[1])
    assert [recipe["transform_version"] for recipe in shown["recipes"]] == [1, 1]
    assert len(shown["outdated"]) == 2


def test_a_day_without_features_of_the_champions_version_gets_a_sentence_and_the_others_are_scored(
    old: Store, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    add_day(old, "2026-11-19")
    monkeypatch.setattr(scored_partitions, "are_current", lambda *_: False)
    scored: list[str] = []
    publish = scored_partitions.publish

    def watched(store: Store, model_id: str, pin: Any, blocks: Any, now: datetime) -> Any:
        scored.append(pin.partition)
        return publish(store, model_id, pin, blocks, now)

    monkeypatch.setattr(scored_partitions, "publish", watched)
    run_flow("score-partitions")
    sentence = capsys.readouterr().err
    assert scored == ["2026-11-20"]
    assert "not scored: partition 2026-11-19 has no up-to-date features" in sentence
    assert (
        "of transform version 1, and this Reelstore makes version 2 only: run reelstore apply"
        in sentence
    )


def test_a_store_of_version_1_trains_again(old: Store) -> None:
    before = {commit.id for commit in commits.commits(old, MODELS)}
    model = run_flow("train-classifier").model
    after = {commit.id for commit in commits.commits(old, MODELS)}
    assert after - before == {model, registry.held_out(old, commits.commit_by_id(old, model)).id}


@pytest.fixture
def champion_of_version_1(house: Store, fingerprint: str) -> dict[str, str]:
    """A champion that learned from version 1, in a store whose wanted recipes are of version 2."""
    present = wanted.require(house)
    old = [of_version(wanted.load_any_spec(house, view, name), 1) for view, name in present.items()]
    names: dict[str, str] = {spec.view: wanted.freeze(house, spec, {}, NOW) for spec in old}
    for view, name in present.items():
        commits.set_alias(house, f"wanted/{view}", name, NOW)
    assert wanted.require(house)["frames"] == fingerprint
    facts = {
        "kind": "classifier",
        "recipe": "default",
        "fingerprints": names,
        "views": ["frames", "text"],
        "beats_majority": True,
        "taxonomy": "wechat2022",
    }
    model = commits.publish_files(
        house,
        Address(MODELS, None),
        {},
        commits.Draft(facts=facts, num_rows=0, move_head=False),
        NOW,
    )
    registry.promote(house, model.id, NOW)
    return names


def test_with_a_champion_of_version_1_the_wanted_recipe_is_made_and_nothing_is_scored(
    house: Store,
    champion_of_version_1: dict[str, str],
    extract: Callable[..., Any],
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert {work.fingerprint for work in plan_store(house).work} == set(
        wanted.require(house).values()
    )
    rows = extract()
    assert {row.fingerprint for row in rows} == set(wanted.require(house).values())
    sentence = "new days are scored once a model of version 2 is champion"
    assert sentence in capsys.readouterr().err
    assert extract() == []
    status = store_status(house)
    assert [sentence in line for line in status.outdated] == [True]
    assert run_flow("score-partitions") == []
    said = capsys.readouterr().err
    assert short(champion_of_version_1["frames"]) in said
    assert "makes version 2 only: run reelstore apply and extract-features" in said
