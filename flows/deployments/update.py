"""The deployment `update`."""

from flows.deployments.deployment import deployment

update = deployment("update", artifact="update")
