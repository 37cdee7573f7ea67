"""The Dockerfile's installing steps, run in a fresh environment, where no container engine is.

Those of the target `cuda`: `cpu` differs by PyTorch's own index, which is not asked here.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
TOOLS = Path(sys.executable).parent


def stage_with_those_below(target: str) -> str:
    """The instructions of a target, with those of the stages that it is built on."""
    instructions: dict[str, str] = {}
    dockerfile = (ROOT / "Dockerfile").read_text("utf-8").replace("\\\n", " ")
    for stage in re.split(r"^FROM ", dockerfile, flags=re.MULTILINE)[1:]:
        base, _, name, *_ = stage.split()
        instructions[name] = instructions.get(base, "") + stage
    return instructions[target]


def pins(listed: str) -> set[str]:
    return set(re.findall(r"^([\w.-]+==[^\s;]+)", listed, re.MULTILINE))


def test_the_installing_steps_make_a_worker_without_tools_of_development(tmp_path: Path) -> None:
    stage, root, venv = stage_with_those_below("cuda"), tmp_path / "root", tmp_path / "venv"
    root.mkdir()
    for copied in re.findall(r"^COPY (.+) \S+$", stage, re.MULTILINE):
        for name in copied.split():
            copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
            copy(ROOT / name, root / name)
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(venv)], check=True)
    environment = os.environ | {
        "PATH": f"{venv / 'bin'}:{TOOLS}:{os.environ['PATH']}",
        "VIRTUAL_ENV": str(venv),
    }
    steps = re.findall(r"^RUN (uv pip .+)$", stage, re.MULTILINE)
    assert len(steps) == 2
    for step in steps:
        subprocess.run(["sh", "-euc", step], cwd=root, env=environment, check=True)

    def said_by(*words: str) -> str:
        return subprocess.run(
            words, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
        ).stdout

    installed = pins(said_by("uv", "pip", "freeze"))
    assert installed <= pins((ROOT / "requirements.lock").read_text("utf-8"))
    assert not {"pytest", "ruff", "hypothesis"} & {pin.split("==")[0] for pin in installed}
    assert "setup-prefect" in said_by(str(venv / "bin" / "reelstore"), "--help")
