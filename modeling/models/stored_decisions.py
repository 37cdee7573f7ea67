"""Decisions of the gate as commits: what was decided, on which evidence, and by whose word."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict

from modeling.models.gate import Evidence, Outcome
from warehouse import commits, formats
from warehouse.commits import Address, Commit, Draft, Facts
from warehouse.storage.files import canonical_json
from warehouse.store import Store

DATASET = "decisions"
FORMAT_VERSION: Final = 1

_FILE = "decision.json"


class Decision(BaseModel):
    """What `decision.json` says."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format_version: Literal[1] = FORMAT_VERSION
    evidence: Evidence
    outcome: Outcome
    """What became of the challenger; `forced` where a person overrode the verdict."""
    reasons: tuple[str, ...]
    """The verdict's own, also where it was overridden."""
    forced_because: str | None = None
    """What the person gave as a reason."""

    @property
    def is_promotion(self) -> bool:
        """Whether the challenger became champion by it."""
        return self.outcome in ("promoted", "forced")


class DecisionFacts(Facts):
    """What the commit of a decision is.

    `made_from` names `challenger`, `snapshot` and, where there was one, `champion`.
    """

    outcome: Outcome


@dataclass(frozen=True)
class StoredDecision:
    """A decision and its commit."""

    commit: Commit
    decision: Decision


def publish(store: Store, decision: Decision, now: datetime) -> Commit:
    """Keep a decision.

    Args:
        store: Where it goes.
        decision: The same one has the same commit, however often it is made.
        now: In UTC.
    """
    evidence = decision.evidence
    made_from = {"challenger": evidence.challenger, "snapshot": evidence.snapshot}
    if evidence.champion is not None:
        made_from["champion"] = evidence.champion
    facts = DecisionFacts(outcome=decision.outcome, made_from=made_from)
    payload = canonical_json(decision.model_dump(mode="json"))
    draft = Draft(facts=facts, num_rows=0, move_head=False)
    return commits.publish_files(store, Address(DATASET), {_FILE: payload}, draft, now)


def read(commit: Commit) -> Decision:
    """Read a decision.

    Raises:
        Corrupt: The file differs from its digest.
        Invalid: It has another format version.
    """
    where = commit.folder / _FILE
    content = formats.read_json(commits.read_bytes(commit, _FILE), FORMAT_VERSION, where)
    return Decision.model_validate(content)


def decisions(store: Store, model: str | None = None) -> Sequence[StoredDecision]:
    """List decisions, the earliest first.

    Args:
        store: Where they are.
        model: The commit of a challenger, of which alone they are to be; None for all.
    """
    return [
        StoredDecision(commit, read(commit))
        for commit in commits.commits(store, DATASET)
        if model in (None, commit.facts["made_from"]["challenger"])
    ]
