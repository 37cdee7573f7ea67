"""What was made from what, filled from what the commits say of themselves."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_WORDS = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    lineage = op.create_table(
        "lineage",
        sa.Column(
            "commit_id",
            sa.String(64),
            sa.ForeignKey("commits.id", ondelete="CASCADE"),
            primary_key=True,
        ),
        sa.Column("name", _WORDS, primary_key=True),
        sa.Column("input_id", sa.String(64), sa.ForeignKey("commits.id"), nullable=False),
    )
    op.create_index("lineage_by_input", "lineage", ["input_id"])
    commits = sa.table("commits", sa.column("id", sa.String), sa.column("facts", sa.JSON))
    facts = {row.id: row.facts for row in op.get_bind().execute(sa.select(commits))}
    rows = [
        {"commit_id": commit_id, "name": name, "input_id": input_id}
        for commit_id, known in facts.items()
        for name, input_id in known.get("made_from", {}).items()
        if input_id in facts
    ]
    if rows:
        op.bulk_insert(lineage, rows)


def downgrade() -> None:
    op.drop_table("lineage")
