"""Run the migrations inside the transaction that `warehouse.catalog.upgrading` hands over."""

from alembic import context

from warehouse.catalog import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
context.run_migrations()
