"""Where a model's examples came from."""

from dataclasses import dataclass, field

from featurestore.views.frames.frame_spec import FrameSpec
from featurestore.views.spec import fingerprint
from featurestore.views.text.text_spec import TextSpec


@dataclass(frozen=True)
class Origin:
    """All that a model was made from; it is published with it."""

    snapshot_id: str
    """Pins the features and labels."""
    frame_spec: FrameSpec
    text_spec: TextSpec
    encoder_id: str | None = None
    """The pretrained encoder that the training started from."""
    teachers: tuple[str, ...] = ()
    """The classifiers whose predictions for the unlabelled examples are learned from."""
    pseudo_labels: dict[str, str] = field(default_factory=dict)
    """The commits of those predictions, by partition and teacher."""

    @property
    def fingerprints(self) -> dict[str, str]:
        """The fingerprint of each view."""
        return {"frames": fingerprint(self.frame_spec), "text": fingerprint(self.text_spec)}
