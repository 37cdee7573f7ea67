"""The deployment `extract-features`."""

from flows.deployments.deployment import deployment

extract_features = deployment("extract-features", artifact="extract")
