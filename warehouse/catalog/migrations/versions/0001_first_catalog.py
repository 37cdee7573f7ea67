"""The first catalog: commits and their files, heads, pending commits, journal, aliases."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_WORDS = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "commits",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("dataset", _WORDS, nullable=False),
        sa.Column("partition", _WORDS, nullable=False),
        sa.Column("staging_id", sa.String(32), nullable=False),
        sa.Column("num_rows", sa.BigInteger, nullable=False),
        sa.Column("facts", sa.JSON, nullable=False),
        sa.Column("provenance_sha256", sa.String(64), nullable=False),
        sa.Column("created_at", _WORDS, nullable=False),
    )
    op.create_index("commits_by_address", "commits", ["dataset", "partition"])
    op.create_index("commits_by_staging", "commits", ["staging_id"])
    op.create_table(
        "files",
        sa.Column(
            "commit_id",
            sa.String(64),
            sa.ForeignKey("commits.id", ondelete="CASCADE"),
            primary_key=True,
        ),
        sa.Column("name", _WORDS, primary_key=True),
        sa.Column("size_bytes", sa.BigInteger, nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
    )
    op.create_table(
        "heads",
        sa.Column("dataset", _WORDS, primary_key=True),
        sa.Column("partition", _WORDS, primary_key=True),
        sa.Column("commit_id", sa.String(64), sa.ForeignKey("commits.id"), nullable=False),
        sa.Column("attributes", sa.JSON, nullable=False),
        sa.Column("moved_at", _WORDS, nullable=False),
    )
    op.create_table(
        "pending",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("dataset", _WORDS, nullable=False),
        sa.Column("partition", _WORDS, nullable=False),
        sa.Column("key", _WORDS, nullable=False),
        sa.Column("commit_id", sa.String(64)),
        sa.Column("started_at", _WORDS, nullable=False),
        sa.Column("touched_at", _WORDS, nullable=False),
        sa.UniqueConstraint("dataset", "partition", "key", name="pending_by_key"),
    )
    op.create_table(
        "staged_files",
        sa.Column(
            "pending_id",
            sa.String(32),
            sa.ForeignKey("pending.id", ondelete="CASCADE"),
            primary_key=True,
        ),
        sa.Column("name", _WORDS, primary_key=True),
        sa.Column("size_bytes", sa.BigInteger, nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
    )
    op.create_table(
        "journal",
        sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("entry", sa.JSON, nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
    )
    op.create_table(
        "aliases",
        sa.Column("name", _WORDS, primary_key=True),
        sa.Column("target", _WORDS, nullable=False),
        sa.Column("moved_at", _WORDS, nullable=False),
    )


def downgrade() -> None:
    for table in ("aliases", "journal", "staged_files", "pending", "heads", "files", "commits"):
        op.drop_table(table)
