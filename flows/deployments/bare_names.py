"""A plugin of Prefect's: `prefect deployment run NAME` reads one of our bare names as NAME/NAME."""

import sys

from prefect.plugins import HookContext, SetupResult, register_hook

from flows.operations.calls import FLOWS


def with_flow_names(argv: list[str]) -> list[str]:
    """Write each bare name of `prefect deployment run` as flow and deployment."""
    if argv[1:3] != ["deployment", "run"]:
        return argv
    return [f"{word}/{word}" if word in FLOWS else word for word in argv]


@register_hook
def setup_environment(*, ctx: HookContext) -> SetupResult:  # noqa: ARG001 - Prefect names the argument
    """Rewrite this command's words before Prefect parses them, and keep its telemetry off."""
    sys.argv = with_flow_names(sys.argv)
    return SetupResult(env={"DO_NOT_TRACK": "1"})
