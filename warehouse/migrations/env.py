"""Run the migrations on the connection that `warehouse.store` hands over, inside its transaction."""

from alembic import context

from warehouse.catalog import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
context.run_migrations()
