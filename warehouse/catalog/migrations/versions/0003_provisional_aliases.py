"""Aliases that stand until something better comes; those that were set before do not."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    column = sa.Column("is_provisional", sa.Boolean, nullable=False, server_default=sa.false())
    op.add_column("aliases", column)


def downgrade() -> None:
    op.drop_column("aliases", "is_provisional")
