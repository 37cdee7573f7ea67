"""The deployment `extract-chunks`, of which several may run at once."""

from flows.deployments.deployment import deployment

extract_chunks = deployment("extract-chunks", artifact="extract-chunks")
