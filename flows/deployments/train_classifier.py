"""The deployment `train-classifier`."""

from flows.deployments.deployment import deployment

train_classifier = deployment("train-classifier", artifact="train")
