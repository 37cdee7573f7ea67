"""The catalog's tables."""

import sqlalchemy as sa

REVISION = "0005"
"""The schema that this code reads and writes: the newest of `migrations/versions`."""

Words = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
"""Text that sorts by its bytes, whatever language a server sorts by."""

metadata = sa.MetaData()

commits = sa.Table(
    "commits",
    metadata,
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("dataset", Words, nullable=False),
    sa.Column("partition", Words, nullable=False),  # '' where a dataset has no partitions
    sa.Column("staging_id", sa.String(32), nullable=False),
    sa.Column("num_rows", sa.BigInteger, nullable=False),
    sa.Column("facts", sa.JSON, nullable=False),
    sa.Column("provenance_sha256", sa.String(64), nullable=False),
    sa.Column("created_at", Words, nullable=False),
    sa.Index("commits_by_address", "dataset", "partition"),
    sa.Index("commits_by_staging", "staging_id"),
)

files = sa.Table(
    "files",
    metadata,
    sa.Column(
        "commit_id",
        sa.String(64),
        sa.ForeignKey("commits.id", ondelete="CASCADE"),
        primary_key=True,
    ),
    sa.Column("name", Words, primary_key=True),
    sa.Column("size_bytes", sa.BigInteger, nullable=False),
    sa.Column("sha256", sa.String(64), nullable=False),
)

lineage = sa.Table(
    "lineage",
    metadata,
    sa.Column(
        "commit_id",
        sa.String(64),
        sa.ForeignKey("commits.id", ondelete="CASCADE"),
        primary_key=True,
    ),
    sa.Column("name", Words, primary_key=True),
    sa.Column("input_id", sa.String(64), sa.ForeignKey("commits.id"), nullable=False),
    sa.Index("lineage_by_input", "input_id"),
)

heads = sa.Table(
    "heads",
    metadata,
    sa.Column("dataset", Words, primary_key=True),
    sa.Column("partition", Words, primary_key=True),
    sa.Column("commit_id", sa.String(64), sa.ForeignKey("commits.id"), nullable=False),
    sa.Column("attributes", sa.JSON, nullable=False),
    sa.Column("moved_at", Words, nullable=False),
)

pending = sa.Table(
    "pending",
    metadata,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("dataset", Words, nullable=False),
    sa.Column("partition", Words, nullable=False),
    sa.Column("key", Words, nullable=False),
    sa.Column("commit_id", sa.String(64)),  # known once its manifest is written
    sa.Column("started_at", Words, nullable=False),
    sa.Column("touched_at", Words, nullable=False),
    sa.UniqueConstraint("dataset", "partition", "key", name="pending_by_key"),
)

staged_files = sa.Table(
    "staged_files",
    metadata,
    sa.Column(
        "pending_id",
        sa.String(32),
        sa.ForeignKey("pending.id", ondelete="CASCADE"),
        primary_key=True,
    ),
    sa.Column("name", Words, primary_key=True),
    sa.Column("size_bytes", sa.BigInteger, nullable=False),
    sa.Column("sha256", sa.String(64), nullable=False),
)

journal = sa.Table(
    "journal",
    metadata,
    sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("entry", sa.JSON, nullable=False),
    sa.Column("sha256", sa.String(64), nullable=False),
    sa.Column("subject", Words),  # what moved, as `journal.subject_of` names it
    sa.Index("journal_by_subject", "subject", "number"),
)

aliases = sa.Table(
    "aliases",
    metadata,
    sa.Column("name", Words, primary_key=True),
    sa.Column("target", Words, nullable=False),
    sa.Column("moved_at", Words, nullable=False),
    sa.Column("is_provisional", sa.Boolean, nullable=False, server_default=sa.false()),
)

successors = sa.Table(
    "successors",
    metadata,
    sa.Column("commit_id", sa.String(64), primary_key=True),  # it is no commit any more
    sa.Column("successor_id", sa.String(64), nullable=False),
)

forgets = sa.Table(
    "forgets",
    metadata,
    sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),  # of the journal
    sa.Column("is_swept", sa.Boolean, nullable=False),
)
