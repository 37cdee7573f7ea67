"""What each move of the journal is about, so that the moves of one thing are found by an index."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    words = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
    op.add_column("journal", sa.Column("subject", words))
    journal = sa.table("journal", sa.column("entry", sa.JSON), sa.column("subject"))
    kind, dataset, partition, name = (
        journal.c.entry[key].as_string() for key in ("kind", "dataset", "partition", "name")
    )
    place = dataset + sa.func.coalesce(" of partition " + partition, "")
    op.execute(journal.update().values(subject=kind + " " + sa.func.coalesce(place, name)))
    op.create_index("journal_by_subject", "journal", ["subject", "number"])


def downgrade() -> None:
    op.drop_index("journal_by_subject", "journal")
    op.drop_column("journal", "subject")
