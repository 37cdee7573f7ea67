"""Alembic's environment for the catalog; run by `warehouse.store`, never by hand."""
