"""The deployment `ingest-videos`."""

from flows.deployments.deployment import deployment

ingest_videos = deployment("ingest-videos", artifact="ingest")
