"""The operation: the gate decides whether a classifier becomes champion, and keeps why."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict

from modeling.models import gate, gate_evidence, registry, stored_decisions
from modeling.models.gate import Outcome
from modeling.models.stored_decisions import Decision
from warehouse import commits
from warehouse.errors import Conflict
from warehouse.reporting import SILENT, Reporter
from warehouse.store import Store


class PromotionReport(BaseModel):
    """What the gate decided."""

    model_config = ConfigDict(frozen=True)

    decision: str
    """Its commit."""
    outcome: Outcome
    challenger: str
    """The commit of the model that was judged."""
    champion: str | None
    """The commit of the champion before the decision; None where there was no other."""
    sentences: tuple[str, ...]
    """What was compared, and what follows from it."""

    @property
    def is_promotion(self) -> bool:
        """Whether the challenger is the champion now."""
        return self.outcome in ("promoted", "forced")


def promote(
    store: Store,
    model_id: str,
    margin: float,
    now: datetime,
    *,
    force_reason: str | None = None,
    reporter: Reporter = SILENT,
) -> PromotionReport | None:
    """Let the gate judge a classifier, keep the decision, and make the model champion if it passes.

    Args:
        store: Where it is.
        model_id: Or the first digits of it, or an alias.
        margin: How much worse than the champion it may be, at the lower end of the interval.
        now: In UTC.
        force_reason: Why it is to become champion whatever the verdict; None to let the gate
            decide.
        reporter: Is told of the outcome.

    Returns:
        None where the model is the champion already, and not a provisional one.

    Raises:
        Invalid: There is no such model, or it is no classifier.
        Conflict: Another run has moved the champion meanwhile; nothing was written.
    """
    challenger, before = registry.require(store, model_id), registry.champion(store)
    if challenger == before and not registry.is_provisional(store):
        return None
    with reporter.progress(f"judge {challenger.id[:16]}") as show:
        evidence = gate_evidence.measure(store, challenger, margin=margin)
        show(1, 1)
    verdict = gate.judge(evidence)
    is_forced = force_reason is not None and verdict.outcome != "promoted"
    decision = Decision(
        evidence=evidence,
        outcome="forced" if is_forced else verdict.outcome,
        reasons=verdict.reasons,
        forced_because=force_reason if is_forced else None,
    )
    if registry.champion(store) != before:
        raise Conflict(f"the champion of {store.place} was moved meanwhile: run again")
    commit = stored_decisions.publish(store, decision, now)
    if decision.is_promotion:
        commits.set_alias(store, registry.CHAMPION, challenger.id, now)
    report = PromotionReport(
        decision=commit.id,
        outcome=decision.outcome,
        challenger=challenger.id,
        champion=evidence.champion,
        sentences=tuple(_tell(decision, stays=challenger == before)),
    )
    reporter.announce("gate.decided", challenger.id, report.model_dump(mode="json"))
    reporter.summarize(report.sentences, [report.model_dump(exclude={"sentences"})])
    return report


def _tell(decision: Decision, *, stays: bool) -> list[str]:
    """Say what became of the challenger; `stays` where it was the provisional champion before."""
    model = decision.evidence.challenger[:16]
    refused = "stays a provisional champion" if stays else "was not promoted"
    told = {
        "promoted": f"model {model} is the champion",
        "refused": f"model {model} {refused}",
        "cannot_tell": f"model {model} {refused}, as the gate cannot tell how good it is",
        "forced": f"model {model} is the champion by force ({decision.forced_because})",
    }
    sentences = [told[decision.outcome], *decision.reasons]
    if not decision.is_promotion:
        sentences.append(
            f"train a better one, or override: reelstore promote {model} --force --reason TEXT"
        )
    return sentences
