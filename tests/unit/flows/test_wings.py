"""Every room of flows stands in a wing, and none but the deployments needs Prefect."""

import ast
from pathlib import Path

import flows

ROOT = Path(flows.__file__).parent


def imported(module: Path) -> set[str]:
    """What a module imports."""
    tree = ast.parse(module.read_text(encoding="utf-8"))
    froms = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    plain = [node for node in ast.walk(tree) if isinstance(node, ast.Import)]
    names = {name.name for node in plain for name in node.names}
    return names | {node.module for node in froms if node.module}


def test_beside_its_wings_flows_has_what_all_of_them_read() -> None:
    modules = {path.stem for path in ROOT.glob("*.py")}
    wings = {path.parent.name for path in ROOT.glob("*/__init__.py")}
    assert modules == {"__init__", "landing", "settings", "stage"}
    assert wings == {"commands", "demo", "deployments", "operations"}


def test_no_deployment_works_without_prefect() -> None:
    without = set()
    for path in (ROOT / "deployments").glob("[!_]*.py"):
        names = imported(path)
        packages = {name.partition(".")[0] for name in names}
        if "prefect" not in packages and "flows.deployments.deployment" not in names:
            without.add(path.stem)
    assert without == set()


def test_a_deployment_is_tiny() -> None:
    shared = {
        "__init__",
        "artifacts",
        "bare_names",
        "children",
        "clusters",
        "deployment",
        "setup",
        "steps",
    }
    lengths = {
        path.stem: len(path.read_text(encoding="utf-8").splitlines())
        for path in (ROOT / "deployments").glob("*.py")
    }
    assert max(length for name, length in lengths.items() if name not in shared) < 40
