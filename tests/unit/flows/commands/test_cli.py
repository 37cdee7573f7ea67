import importlib.metadata
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from flows.commands import upkeep, work

Run = Callable[..., tuple[int, str, str]]


AS_LABELED = ("--partition", "labeled", "--role", "labeled")

MISTAKES = {
    "no annotations": (("ingest", "manifest", "gone.jsonl", *AS_LABELED), "gone.jsonl"),
    "no media folder": (
        ("ingest", "manifest", "manifest.jsonl", "--media", "gone", *AS_LABELED),
        "gone",
    ),
    "not JSON": (("ingest", "wbdc", "broken.json", *AS_LABELED), "broken.json"),
    "not a listing": (("ingest", "manifest", "broken.json", *AS_LABELED), "broken.json"),
    "unknown category": (
        ("ingest", "manifest", "other.jsonl", "--strict", *AS_LABELED),
        "row 1: category_id '9999'",
    ),
    "no row right": (
        ("ingest", "manifest", "wrong.jsonl", *AS_LABELED),
        "3 of 3 rows of wrong.jsonl are wrong",
    ),
    "no taxonomy": (
        ("ingest", "manifest", "manifest.jsonl", "--taxonomy", "gone.csv", *AS_LABELED),
        "gone.csv",
    ),
    "wrong taxonomy": (
        ("ingest", "manifest", "manifest.jsonl", "--taxonomy", "broken.json", *AS_LABELED),
        "broken",
    ),
    "bad partition": (
        ("ingest", "manifest", "manifest.jsonl", "--partition", "../x", "--role", "score"),
        "../x",
    ),
    "bad role": (
        ("ingest", "manifest", "manifest.jsonl", "--partition", "x", "--role", "extra"),
        "extra",
    ),
    "no store": (("promote", "abc"), "store"),
    "nothing to review": (("mistakes",), "store"),
    "nothing to compare with": (("nearest", "2026-11-20", "a"), "store"),
    "nothing to export": (("export", "result-csv", "2026-11-20", "result.csv"), "store"),
    "unknown flow": (("run", "extract-everything"), "extract-everything"),
    "no value": (("run", "extract-features", "partition"), "partition"),
    "unknown command": (("extract",), "extract"),
}


@pytest.mark.parametrize(("words", "named"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_gets_a_sentence_that_names_it_and_writes_nothing(
    run: Run, home: Path, listing: Path, words: tuple[str, ...], named: str
) -> None:
    (home / "broken.json").write_text('[{"id": ')
    (home / "other.jsonl").write_text(listing.read_text().replace("0001", "9999", 1))
    (home / "wrong.jsonl").write_text(listing.read_text().replace("0001", "9999"))
    status, out, err = run(*words)
    assert status == 2
    assert named in err
    assert "Traceback" not in out + err
    assert not (home / "store").exists()


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (("run", "extract-features", "day=1"), "day"),
        (("run", "train-classifier", "seed=-1"), "seed"),
        (("run", "train-classifier", "as_of=2026-11-20T08:00"), "has no time zone: end it with Z"),
    ],
)
def test_a_flows_wrong_parameter_gets_a_sentence_from_the_installed_command(
    home: Path, words: tuple[str, ...], named: str
) -> None:
    command = Path(sys.executable).parent / "reelstore"
    done = subprocess.run([str(command), *words], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("reelstore: ")
    assert len(done.stderr.splitlines()) == 1
    assert named in done.stderr
    assert not (home / "store").exists()


def test_an_ingest_says_what_it_listed(run: Run, listing: Path) -> None:
    status, out, _ = run("ingest", "manifest", str(listing), *AS_LABELED)
    assert status == 0
    assert "num_videos 3" in out


def test_an_ingest_names_what_it_has_left_out(run: Run, home: Path, listing: Path) -> None:
    (home / "folder").mkdir()
    rows = listing.read_text().splitlines()
    wrong = ['{"video_id": "y", "title": "x", "x": 1}', '{"video_id": "z", "title": 7}']
    listing.write_text(
        "\n".join([*rows, *wrong, rows[0].replace("a.mp4", "folder").replace("0" * 20, "f")])
    )
    status, out, err = run("ingest", "manifest", str(listing), *AS_LABELED)
    assert status == 0, err
    counts, *named = out.splitlines()
    assert "num_videos 4" in counts
    assert "num_rows_set_aside 2" in counts
    assert "num_media_unread 1" in counts
    assert named[0].startswith(f"row set aside: {listing}, row 4 has an unexpected column 'x'")
    assert named[1] == f"row set aside: {listing}, row 5, field title: 7 is not text: give a string"
    assert named[2:] == ["medium not read: 'folder' is a folder"]
    _, shown, _ = run("status")
    assert "2 rows of the listing of labeled were wrong and are not listed" in " ".join(
        shown.split()
    )


def test_an_unknown_partition_is_named_with_those_there_are(run: Run, listing: Path) -> None:
    run("ingest", "manifest", str(listing), *AS_LABELED)
    status, _, err = run("export", "result-csv", "2026-11-20", "result.csv", "--model", "champion")
    assert status == 2
    assert "champion" in err


def test_the_version_is_told_and_a_mistyped_variable_too(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REELSTORE_PRESETS", "demo")
    assert run("--version")[:2] == (0, f"reelstore {importlib.metadata.version('reelstore')}\n")
    _, out, err = run("status", "--json")
    assert (out, err.splitlines()[0]) == (
        "",
        (
            "reelstore: variable REELSTORE_PRESETS is no setting and is left out: did you mean"
            " REELSTORE_PRESET?"
        ),
    )


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("verify",), "the store is as it was; the same command again begins anew"),
        (
            ("run", "extract-features"),
            "what is done is kept; the same command again goes on from there",
        ),
        (("gc", "--dry-run"), "the same command again removes the rest"),
    ],
)
def test_an_interrupted_command_says_how_to_go_on(
    run: Run, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], said: str
) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(upkeep, "open_wanted_store", interrupt)
    monkeypatch.setattr(work, "_call", interrupt)
    status, out, err = run(*words)
    assert (status, out, err.count("\n")) == (130, "", 1)
    assert err.startswith("reelstore: interrupted: ")
    assert err.endswith(f"{said}\n")
