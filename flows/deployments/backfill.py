"""The deployment `backfill`: a parent run, and a child run for each day."""

from flows.deployments.deployment import deployment

backfill = deployment("backfill", artifact="backfill")
