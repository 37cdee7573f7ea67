"""Commands that tell what a store holds: plan, status, lists, diff, lineage."""
