"""The recipes that features are kept up to date under: the wanted one, and the champion's while it scores."""

from featurestore import wanted
from featurestore.spec import VIEWS, View
from modeling import registry
from warehouse.store import Store


def recipes_in_use(store: Store) -> list[tuple[View, str]]:
    """List each view with each fingerprint that extraction makes; empty before the first spec is frozen."""
    champion = registry.champion(store)
    recipes = [wanted.wanted(store) or {}, champion.facts["fingerprints"] if champion else {}]
    return [
        (view, fingerprint)
        for view in VIEWS
        for fingerprint in sorted({recipe[view] for recipe in recipes if view in recipe})
    ]
