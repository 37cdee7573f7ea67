"""What commands print where it is piped, in a terminal of any width.

And of words that mean harm.
"""

import json
import os
import pty
import re
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from flows.commands import terminal
from flows.commands.terminal import Column
from flows.demo.encoder import shipped_encoder

Run = Callable[..., tuple[int, str, str]]
REELSTORE = str(Path(sys.executable).parent / "reelstore")
EVIL = "\x1b[31mred\x1b]0;owned\x07\r\nreelstore: all is well [red]x[/red] \u202egpj\x9b2J"
VISIBLE = (
    "\\x1b[31mred\\x1b]0;owned\\x07\\r\\nreelstore: all is well [red]x[/red] \\u202egpj\\x9b2J"
)
STYLES = re.compile("\x1b\\[[0-9;]*m")


def in_terminal(
    words: list[str], environment: dict[str, str], *, columns: int = 80
) -> tuple[int, str]:
    """Run a command in a pseudo-terminal of its own.

    Returns its status and all that it wrote there.
    """
    master, slave = pty.openpty()
    done = subprocess.Popen(
        words,
        stdin=slave,
        stdout=slave,
        stderr=slave,
        env=environment | {"COLUMNS": str(columns), "TERM": "xterm"},
    )
    os.close(slave)
    written = b""
    try:
        while piece := os.read(master, 65_536):
            written += piece
    except OSError:  # all of the command's ends are closed
        pass
    os.close(master)
    return done.wait(), written.decode()


def test_a_line_is_one_line_and_shows_what_would_act(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    terminal.say(EVIL)
    terminal.say_wrapped(EVIL)
    assert capsys.readouterr().out == f"{VISIBLE}\n" * 2


def test_json_is_read_as_it_was_and_holds_nothing_that_acts(
    capsys: pytest.CaptureFixture[str],
) -> None:
    document = {EVIL: ["标题", EVIL, "\ud83d", "\x85\u2028", "🚀\u200b"]}
    terminal.say_json(document)
    said = capsys.readouterr().out
    assert json.loads(said) == document
    assert '"标题"' in said
    assert not set(said) & set("\x1b\x07\r\x85\x9b\u2028\u202e\u200b\ud83d")


@pytest.mark.parametrize("width", [200, 80, 40, 20])
def test_a_table_of_any_width_shows_each_word_whole(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    columns = [
        Column("partition"),
        Column(("changed", "finger-", "print"), is_figure=True),
        Column("failed"),
    ]
    rows = [
        ["2026-11-20", "1,000,000", ["400 decode_timeout", "600 not_media"]],
        [EVIL, "7", [EVIL]],
    ]
    terminal.say_table("frames [bold]", columns, rows)
    said = capsys.readouterr().out
    assert max(map(len, said.splitlines())) <= max(width, len(VISIBLE))
    for words in ("frames [bold]", "2026-11-20", "1,000,000", "decode_timeout", "600", "not_media"):
        assert words in said
    assert "…" not in said
    assert not set(said) & set("\x1b\x07\r\x9b\u202e")


def test_a_pipe_has_no_width(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    terminal.say_table("wide", [Column("partition"), Column("detail")], [["p" * 64, "d" * 300]])
    terminal.say_wrapped("word " * 100)
    assert f"{'p' * 64}  {'d' * 300}" in capsys.readouterr().out.replace(" \n", "\n")


@pytest.fixture(scope="module")
def besieged(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """A store whose titles, zip entries and categories are hostile.

    Returns the environment of its commands.
    """
    home = tmp_path_factory.mktemp("besieged")
    weights, card = shipped_encoder()
    kwargs = ", ".join(
        f"{name} = {json.dumps(value)}" for name, value in card.encoder_kwargs.items()
    )
    (home / "reelstore.toml").write_text(
        f'root = "store"\ndecode_workers = 1\nencoder = "{card.encoder}"\nencoder_weights ='
        f' "{weights}"\nencoder_kwargs = {{{kwargs}}}\n'
    )
    with zipfile.ZipFile(home / "evil.zip", "w") as archive:
        archive.writestr(zipfile.ZipInfo(f"{EVIL}.jpg"), b"not a picture")
    (home / "taxonomy.csv").write_text(f'category_id,level1_id,name\n"{EVIL}",00,x\n', newline="")
    row = {"video_id": "v1", "path": "evil.zip", "title": EVIL, "category_id": EVIL}
    (home / "manifest.jsonl").write_text(json.dumps(row))
    (home / "broken.jsonl").write_text(
        json.dumps(row | {"video_id": EVIL, "category_id": EVIL + "?"})
    )
    return {
        **os.environ,
        "REELSTORE_CONFIG": str(home / "reelstore.toml"),
        "HOME_OF_TEST": str(home),
    }


def test_hostile_words_reach_no_terminal_and_forge_no_line(besieged: dict[str, str]) -> None:
    home = besieged["HOME_OF_TEST"]
    day = ("--partition", "day", "--role", "labeled", "--taxonomy", f"{home}/taxonomy.csv")

    def piped(*words: str) -> tuple[int, str]:
        done = subprocess.run(
            [REELSTORE, *words], env=besieged, capture_output=True, text=True, check=False
        )
        return done.returncode, done.stdout + done.stderr

    def shown(*words: str) -> tuple[int, str]:
        return in_terminal([REELSTORE, *words], besieged)

    shown("ingest", "manifest", f"{home}/broken.jsonl", *day)
    said = [
        shown("ingest", "manifest", f"{home}/manifest.jsonl", *day),
        shown("try-recipe", "day"),
        shown("status"),
        shown("lineage", EVIL),
        piped("try-recipe", "day", "--json"),
        piped("diff", "day", "day"),
    ]
    assert [status for status, _ in said] == [0, 0, 0, 2, 0, 0]
    assert "\\x1b[31mred" in said[1][1]
    assert json.loads(said[4][1])["failed"]["v1"]
    for _, words in said:
        bare = STYLES.sub(
            "", words.replace("\x1b[?25l", "").replace("\x1b[?25h", "").replace("\x1b[2K", "")
        )
        assert not set(bare) & set("\x07\x9b\u202e")
        assert "\x1b[31mred" not in words
        assert "\x1b]0;" not in words
        assert not [line for line in bare.splitlines() if line.startswith("reelstore: all is well")]


def test_a_reader_that_leaves_ends_a_command_quietly_with_the_status_of_a_closed_pipe(
    besieged: dict[str, str],
) -> None:
    script = f"set -o pipefail; {REELSTORE} --version | true"
    done = subprocess.run(
        ["bash", "-c", script], env=besieged, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (terminal.CLOSED_PIPE, "")


def test_an_output_that_cannot_be_written_gets_a_sentence(besieged: dict[str, str]) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [REELSTORE, "--version"],
            env=besieged,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "the output cannot be written: No space left on device" in done.stderr


def test_only_one_module_writes_to_a_terminal() -> None:
    flows = Path(terminal.__file__).parents[1]
    writers = re.compile(r"typer\.echo|click\.echo|(?<![\w.])print\(|rich\.print|Console\(")
    found = [
        path.name
        for path in flows.rglob("*.py")
        if writers.search(path.read_text(encoding="utf-8"))
    ]
    assert found == ["terminal.py"]
