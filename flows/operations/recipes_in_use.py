"""The recipes that features are kept up to date under.

The wanted one, and the champion's while it scores.
"""

from featurestore import wanted
from featurestore.views import registry as views_registry
from featurestore.views.spec import TRANSFORM_VERSION, can_make, check_makeable
from modeling.models import registry
from modeling.models.model_facts import ClassifierFacts
from warehouse.store import Store


def recipes_in_use(store: Store) -> list[tuple[str, str]]:
    """List each view with the wanted fingerprint and the champion's.

    Empty before the first spec is frozen.
    """
    recipes = [wanted.wanted(store), _champions(store)]
    return [
        (view, fingerprint)
        for view in views_registry.names()
        for fingerprint in sorted({recipe[view] for recipe in recipes if view in recipe})
    ]


def recipes_to_make(store: Store) -> list[tuple[str, str]]:
    """List those of the recipes in use that extraction makes.

    All but a champion's of another transform version.

    Raises:
        Invalid: A wanted recipe is of another transform version; the sentence says what to type.
    """
    for view, fingerprint in wanted.wanted(store).items():
        check_makeable(wanted.load_any_spec(store, view, fingerprint))
    return [
        (view, name)
        for view, name in recipes_in_use(store)
        if can_make(wanted.load_any_spec(store, view, name))
    ]


def left_behind(store: Store) -> str | None:
    """Say why new days are not scored.

    Where the champion reads features that this code no longer makes.
    """
    specs = [
        wanted.load_any_spec(store, view, fingerprint)
        for view, fingerprint in _champions(store).items()
    ]
    old = [spec.transform_version for spec in specs if not can_make(spec)]
    if not old:
        return None
    return (
        f"the champion reads features of transform version {old[0]}, and this Reelstore makes"
        f" version {TRANSFORM_VERSION} only: new days are scored once a model of version"
        f" {TRANSFORM_VERSION} is champion; run train-classifier, then reelstore promote challenger"
    )


def _champions(store: Store) -> dict[str, str]:
    champion = registry.champion(store)
    return ClassifierFacts.of(champion).fingerprints if champion else {}
