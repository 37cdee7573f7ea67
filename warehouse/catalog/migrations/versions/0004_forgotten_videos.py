"""What took the place of commits whose videos were forgotten, and whether these are swept."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_table(
        "successors",
        sa.Column("commit_id", sa.String(64), primary_key=True),
        sa.Column("successor_id", sa.String(64), nullable=False),
    )
    op.create_table(
        "forgets",
        sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("is_swept", sa.Boolean, nullable=False),
    )


def downgrade() -> None:
    op.drop_table("forgets")
    op.drop_table("successors")
