"""The deployment `score-partitions`."""

from flows.deployments.deployment import deployment

score_partitions = deployment("score-partitions", artifact="score")
