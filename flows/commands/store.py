"""The store that a command is about."""

from flows.settings import load_settings
from warehouse.store import Store, open_existing_store


def open_wanted_store() -> Store:
    """Open the store that the settings name.

    Raises:
        Invalid: there is no store, or the settings are wrong.
    """
    settings = load_settings()
    return open_existing_store(settings.root, settings.catalog_url)
