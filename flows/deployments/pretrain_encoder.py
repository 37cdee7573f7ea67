"""The deployment `pretrain-encoder`."""

from flows.deployments.deployment import deployment

pretrain_encoder = deployment("pretrain-encoder", artifact="pretrain")
