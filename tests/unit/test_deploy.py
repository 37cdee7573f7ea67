"""The files of `deploy/` and the Dockerfile, held against what their readers accept."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml
from prefect.utilities.templating import apply_values

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
KUBERNETES = "1.37"
OUR_IMAGE = "reelstore"
EXACT_TAG = re.compile(r":([^:]*\d+\.\d+[^:]*|RELEASE\.\d{4}-[^:]*)$")


def manifests() -> Iterator[dict[str, Any]]:
    for path in sorted((DEPLOY / "kubernetes").glob("*.yaml")):
        yield from yaml.safe_load_all(path.read_text(encoding="utf-8"))


def job(**values: Any) -> dict[str, Any]:
    """The job of a run: the template's defaults, and what a deployment says."""
    template = json.loads((DEPLOY / "kubernetes/base-job-template.json").read_text("utf-8"))
    properties = template["variables"]["properties"]
    defaults = {name: about["default"] for name, about in properties.items() if "default" in about}
    of_the_worker = {"name": "crimson-clip", "labels": {"app": "run"}, "env": {"A": "1"}}
    told = apply_values(template["job_configuration"], defaults | of_the_worker | values)
    manifest: dict[str, Any] = told["job_manifest"]
    container = pod_of(manifest)["containers"][0]
    # As the worker does before it sends the job.
    container["env"] = [{"name": name, "value": of} for name, of in container["env"].items()]
    container["args"] = ["prefect", "flow-run", "execute"]
    return manifest


def pod_of(manifest: dict[str, Any]) -> dict[str, Any]:
    pod: dict[str, Any] = manifest["spec"]["template"]["spec"]
    return pod


def pods() -> Iterator[dict[str, Any]]:
    yield pod_of(job(gpus=1))
    for manifest in manifests():
        if manifest["kind"] == "Deployment":
            yield pod_of(manifest)


def compose(name: str = "compose.yaml") -> dict[str, Any]:
    whole = yaml.safe_load((DEPLOY / name).read_text("utf-8"))
    services: dict[str, Any] = whole["services"]
    return services


def compose_images() -> set[str]:
    files = [compose(path.name) for path in DEPLOY.glob("compose*.yaml")]
    services = [service for each in files for service in each.values()]
    return {service["image"] for service in services if "image" in service}


def test_the_compose_files_follow_the_specification() -> None:
    done = subprocess.run(
        [
            str(Path(sys.executable).parent / "check-jsonschema"),
            *("--builtin-schema", "vendor.compose-spec"),
            *map(str, DEPLOY.glob("compose*.yaml")),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    "manifest",
    manifests(),
    ids=lambda manifest: f"{manifest['kind']} {manifest['metadata']['name']}",
)
def test_the_manifests_are_of_kubernetes(manifest: dict[str, Any]) -> None:
    kubernetes_validate.validate(manifest, KUBERNETES, strict=True)


@pytest.mark.parametrize("gpus", [None, 2])
def test_a_run_becomes_a_job_with_the_gpus_that_it_asks_for(gpus: int | None) -> None:
    manifest = job(**({} if gpus is None else {"gpus": gpus}))
    kubernetes_validate.validate(manifest, KUBERNETES, strict=True)
    limits = pod_of(manifest)["containers"][0]["resources"]["limits"]
    assert limits.get("nvidia.com/gpu") == gpus


def test_every_pod_writes_to_its_volumes_alone_and_is_nobody_special() -> None:
    for pod in pods():
        assert pod["securityContext"]["runAsNonRoot"]
        for container in pod["containers"]:
            assert container["securityContext"] == {
                "readOnlyRootFilesystem": True,
                "allowPrivilegeEscalation": False,
                "capabilities": {"drop": ["ALL"]},
            }


def test_every_service_is_watched_or_ends_and_ours_write_to_their_volumes_alone() -> None:
    for name, service in compose().items():
        assert "healthcheck" in service or name == "setup"
        if service["image"].startswith(f"{OUR_IMAGE}:"):
            assert service["read_only"]
            assert service["cap_drop"] == ["ALL"]


def test_images_of_others_are_named_by_exact_versions() -> None:
    bases = re.findall(r"^FROM (\S+:\S+)", (ROOT / "Dockerfile").read_text("utf-8"), re.MULTILINE)
    names = {
        *bases,
        *compose_images(),
        *(container["image"] for pod in pods() for container in pod["containers"]),
    }
    others = {name for name in names if not name.startswith(f"{OUR_IMAGE}:")}
    assert len(others) == 4
    assert {name for name in others if not EXACT_TAG.search(name)} == set()


def test_both_targets_run_as_nobody_special() -> None:
    stages = (ROOT / "Dockerfile").read_text("utf-8").split("\nFROM ")
    targets = {stage.split()[2]: stage for stage in stages[1:]}
    assert {"cpu", "cuda"} <= targets.keys()
    for target in ("cpu", "cuda"):
        assert "USER 10001" in targets[target].splitlines()
