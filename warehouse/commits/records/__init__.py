"""What catalog and journal hold of commits: rows, moves, names and lineage."""
