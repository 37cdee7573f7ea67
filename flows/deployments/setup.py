"""What a Prefect server is given once: the pool, a limit, the address of alarms, automations."""

import asyncio
from datetime import timedelta
from typing import Any, Literal

import httpx
from prefect.blocks.webhook import Webhook
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.client.schemas.objects import StateType
from prefect.events.actions import CallWebhook, ChangeFlowRunState
from prefect.events.schemas.automations import AutomationCore, EventTrigger, Posture
from prefect.exceptions import ObjectNotFound
from prefect.settings import get_current_settings
from prefect.workers.utilities import get_default_base_job_template_for_infrastructure_type
from pydantic import SecretStr

from warehouse.errors import Invalid, Retryable

POOL = "reelstore"
QUEUE = "partitions"
"""Of the pool: the child runs of a backfill wait here, and never their parent."""
ALARMS = "reelstore-alarms"
"""The block that holds the address of alarms."""

CHILDREN_AT_ONCE = 2
SILENCE = timedelta(minutes=10)
"""After this long without a heartbeat a run is taken for dead. Prefect's usual heartbeats are 180 s
apart: a healthy run may lose two of them, as where its server restarts, and be a minute late."""
UPDATE_EVERY = timedelta(hours=24 + 6)

_ALARMS = {
    "reelstore.partition.refused",
    "reelstore.drift.alarm",
    "reelstore.gate.decided",
    "reelstore.freshness.late",
}
_ENDED_BADLY = {"prefect.flow-run.Failed", "prefect.flow-run.Crashed"}
_ENDED = _ENDED_BADLY | {"prefect.flow-run.Completed", "prefect.flow-run.Cancelled"}
_HEARTBEAT = "prefect.flow-run.heartbeat"

_OF_REELSTORE = {"prefect.resource.role": "tag", "prefect.resource.id": "prefect.tag.reelstore"}
_OF_UPDATE = {"prefect.resource.role": "deployment", "prefect.resource.name": "update"}
_RUN = {"prefect.resource.id": "prefect.flow-run.*"}

_EVENT = (
    '{"event": {{ event.event | tojson }},'
    ' "subject": {{ event.resource.name | tojson }},'
    ' "facts": {{ event.payload | tojson }}}'
)
_MISSING = '{"event": "reelstore.update.missing", "subject": "update", "facts": {}}'


WorkPoolType = Literal["process", "docker", "kubernetes"]


def setup_prefect(webhook: str | None, work_pool_type: WorkPoolType = "process") -> list[str]:
    """Make what is not there or differs, on the server that Prefect's settings name.

    Args:
        webhook: The address that alarms are posted to; None makes no automation of alarms.
        work_pool_type: Of the pool, where it is not there.

    Returns:
        A line for each thing that was made or changed; none where all was there.

    Raises:
        Invalid: The settings name no server, or its pool is of another type.
        Retryable: The server does not answer.
    """
    url = get_current_settings().api.url
    if url is None:
        raise Invalid(
            "no Prefect server is named: run this in the folder of prefect.toml, or set"
            " PREFECT_API_URL"
        )
    try:
        with get_client(sync_client=True) as client:
            return _make_all(client, webhook, work_pool_type)
    except httpx.TransportError as error:
        raise Retryable(
            f"the Prefect server at {url} does not answer ({type(error).__name__}): start it by"
            " prefect server start, then run this again"
        ) from error


def _make_all(
    client: SyncPrefectClient, webhook: str | None, work_pool_type: WorkPoolType
) -> list[str]:
    done = [*_make_pool(client, work_pool_type), *_limit_queue(client)]
    automations = [_zombies()]
    if webhook is not None:
        done += _set_address(webhook)
        automations += _alarms(client)
    for wanted in automations:
        done += _make_automation(client, wanted)
    return done


def _make_pool(client: SyncPrefectClient, work_pool_type: WorkPoolType) -> list[str]:
    try:
        pool = client.read_work_pool(POOL)
    except ObjectNotFound:
        template = asyncio.run(
            get_default_base_job_template_for_infrastructure_type(work_pool_type)
        )
        client.create_work_pool(
            WorkPoolCreate(name=POOL, type=work_pool_type, base_job_template=template or {})
        )
        return [f"made the work pool {POOL} of type {work_pool_type}"]
    if pool.type != work_pool_type:
        raise Invalid(
            f"the work pool {POOL} is of type {pool.type}, and work_pool_type is {work_pool_type}:"
            f" set it to {pool.type}, or type prefect work-pool delete {POOL} first"
        )
    return []


def _limit_queue(client: SyncPrefectClient) -> list[str]:
    try:
        queue = client.read_work_queue_by_name(QUEUE, work_pool_name=POOL)
    except ObjectNotFound:
        client.create_work_queue(
            name=QUEUE, concurrency_limit=CHILDREN_AT_ONCE, work_pool_name=POOL
        )
        return [f"made the queue {QUEUE} of {CHILDREN_AT_ONCE} runs at once"]
    if queue.concurrency_limit is not None:
        return []  # whoever set another limit knows the machine
    client.update_work_queue(queue.id, concurrency_limit=CHILDREN_AT_ONCE)
    return [f"limited the queue {QUEUE} to {CHILDREN_AT_ONCE} runs at once"]


def _set_address(webhook: str) -> list[str]:
    try:
        known: Any = Webhook.load(ALARMS)
        if known.url.get_secret_value() == webhook:
            return []
    except ValueError:
        pass  # Prefect's answer where there is no such block
    block = Webhook(url=SecretStr(webhook))
    block.save(ALARMS, overwrite=True)
    return ["set the address of alarms"]


def _zombies() -> AutomationCore:
    """A run whose heartbeats stop before it ends is marked as crashed."""
    return AutomationCore(
        name="reelstore: a run without heartbeats has crashed",
        trigger=EventTrigger(
            after={_HEARTBEAT},
            expect={_HEARTBEAT} | _ENDED,
            match=_RUN,
            match_related=_OF_REELSTORE,
            for_each={"prefect.resource.id"},
            posture=Posture.Proactive,
            threshold=1,
            within=SILENCE,
        ),
        actions=[
            ChangeFlowRunState(
                state=StateType.CRASHED,
                message=f"no heartbeat for {SILENCE.total_seconds():.0f} s: its process is gone;"
                " the next run goes on from what it has done",
            )
        ],
    )


def _alarms(client: SyncPrefectClient) -> list[AutomationCore]:
    block = client.read_block_document_by_name(ALARMS, block_type_slug="webhook").id

    def post(payload: str) -> list[Any]:
        return [CallWebhook(block_document_id=block, payload=payload)]

    def on_each(events: set[str], **matching: Any) -> EventTrigger:
        return EventTrigger(
            expect=events,
            posture=Posture.Reactive,
            threshold=1,
            within=timedelta(0),
            **matching,
        )

    return [
        AutomationCore(
            name="reelstore: alarms",
            trigger=on_each(_ALARMS, match={"prefect.resource.id": "reelstore.*"}),
            actions=post(_EVENT),
        ),
        AutomationCore(
            name="reelstore: a run failed",
            trigger=on_each(_ENDED_BADLY, match=_RUN, match_related=_OF_REELSTORE),
            actions=post(_EVENT),
        ),
        AutomationCore(
            name="reelstore: no update has run",
            trigger=EventTrigger(
                expect=_ENDED,
                match=_RUN,
                match_related=_OF_UPDATE,
                posture=Posture.Proactive,
                threshold=1,
                within=UPDATE_EVERY,
            ),
            actions=post(_MISSING),
        ),
    ]


def _make_automation(client: SyncPrefectClient, wanted: AutomationCore) -> list[str]:
    known = client.read_automations_by_name(wanted.name)
    if not known:
        client.create_automation(wanted)
        return [f"made the automation {wanted.name!r}"]
    if _what_it_does(known[0]) == _what_it_does(wanted):
        return []
    client.update_automation(known[0].id, wanted)
    return [f"changed the automation {wanted.name!r}"]


def _what_it_does(automation: AutomationCore) -> dict[str, Any]:
    return automation.model_dump(include={"trigger", "actions"})
