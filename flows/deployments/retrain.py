"""The deployment `retrain`."""

from flows.deployments.deployment import deployment

retrain = deployment("retrain", artifact="retrain")
