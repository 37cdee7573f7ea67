"""Only `warehouse/storage` writes files of the store: who else could, by what the code calls."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[4]
_PACKAGES = ("warehouse", "featurestore", "modeling", "flows")
_ELSEWHERE = {
    "featurestore/reading/exported_features.py": "files for colleagues, beside the store",
    "flows/demo/corpus.py": "the demo's own media, beside the store",
    "flows/demo/run.py": "the demo's settings and summary",
    "flows/demo/train_encoder.py": "the weights that the repository ships",
    "flows/operations/site_folder.py": "the pages, beside the store",
}
"""Modules that write files which are no part of a store."""
_OF_A_PATH = {"write_bytes", "write_text", "mkdir", "rename", "unlink", "rmdir", "hardlink_to"}
_OF_MODULES = {
    "os": {"link", "makedirs", "mkdir", "remove", "rename", "replace", "rmdir", "symlink", "write"},
    "shutil": {"copy", "copy2", "copyfile", "copytree", "move", "rmtree"},
}
_CODECS = {"write_csv", "write_parquet", "savez", "save_file"}


def _writes(call: ast.Call) -> bool:
    is_method = isinstance(call.func, ast.Attribute)
    name = getattr(call.func, "attr" if is_method else "id", "")
    owner = getattr(getattr(call.func, "value", None), "id", "")
    keywords = {keyword.arg: keyword.value for keyword in call.keywords}
    if name in ("open", "File"):
        in_memory = "driver" in keywords  # HDF5's core image
        modes = [_text(word) for word in (*call.args, keywords.get("mode"))]
        return not in_memory and any(_is_writing(mode) for mode in modes)
    if name in _CODECS:
        return any(
            _text(word) for word in call.args
        )  # given a name it writes a file; it should give bytes
    columns = any(isinstance(word, ast.Dict) for word in call.args)  # a table's, not a file's
    of_a_path = is_method and name in _OF_A_PATH and owner not in _OF_MODULES and not columns
    return name in _OF_MODULES.get(owner, ()) or of_a_path


def _text(word: ast.expr | None) -> str:
    return word.value if isinstance(word, ast.Constant) and isinstance(word.value, str) else ""


def _is_writing(mode: str) -> bool:
    return set(mode) <= set("rwaxb+t") and bool(set(mode) & set("wax+"))


def _writing_calls(path: Path) -> Iterator[int]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and _writes(node):
            yield node.lineno


def test_only_storage_writes_files() -> None:
    writers = dict[str, list[int]]()
    for package in _PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            name = path.relative_to(ROOT).as_posix()
            lines = list(_writing_calls(path))
            if lines and not name.startswith("warehouse/storage/") and name not in _ELSEWHERE:
                writers[name] = lines
    assert writers == {}


@pytest.mark.parametrize(
    "line",
    [
        "path.write_bytes(b'')",
        "path.open('wb')",
        "open(path, mode='a')",
        "os.rename(a, b)",
        "shutil.rmtree(a)",
        "h5py.File(path, 'w')",
        "frame.write_parquet('a.parquet')",
    ],
)
def test_what_writes_a_file_is_noticed(line: str) -> None:
    (call,) = (node for node in ast.walk(ast.parse(line)) if isinstance(node, ast.Call))
    assert _writes(call)
