"""The deployment `update-partition`, of which several may run at once."""

from flows.deployments.deployment import deployment

update_partition = deployment("update-partition", artifact="update-partition")
