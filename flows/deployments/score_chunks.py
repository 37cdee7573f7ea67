"""The deployment `score-chunks`, of which several may run at once."""

from flows.deployments.deployment import deployment

score_chunks = deployment("score-chunks", artifact="score-chunks")
