"""Where a model's examples came from."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from featurestore.views.spec import Spec, fingerprint


@dataclass(frozen=True)
class Origin:
    """All that a model was made from; it is published with it."""

    snapshot_id: str
    """Pins the features and labels."""
    specs: Mapping[str, Spec]
    """Of the features, by view."""
    encoder_id: str | None = None
    """The pretrained encoder that the training started from."""
    held_out_twin: str | None = None
    """The model of the same recipe that learned without the labels of validation, by which this
    one's settings were chosen and is judged."""
    teachers: tuple[str, ...] = ()
    """The classifiers whose predictions for the unlabelled examples are learned from."""
    pseudo_labels: dict[str, str] = field(default_factory=dict)
    """The commits of those predictions, by partition and teacher."""

    @property
    def fingerprints(self) -> dict[str, str]:
        """The fingerprint of each view."""
        return {view: fingerprint(spec) for view, spec in self.specs.items()}
