"""Operations called as `reelstore run` calls them, in the test's own process."""

from pathlib import Path
from typing import Any

from flows.commands.bar import TerminalReporter
from flows.operations.calls import find_call
from flows.operations.engine import Engine
from flows.settings import load_settings


def run_flow(flow: str, **parameters: Any) -> Any:
    """Run one flow's operation under the settings that REELSTORE_CONFIG names."""
    call = find_call(flow)
    return call.run(load_settings(), call.parameters(**parameters), Engine(TerminalReporter()))


def ingest(annotations: Path, partition: str, role: str, **parameters: Any) -> Any:
    """Ingest a manifest."""
    given = {"annotations": annotations, "partition": partition, "role": role, **parameters}
    return run_flow("ingest-videos", source="manifest", **given)
