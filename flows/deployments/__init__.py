"""The deployments: one module for each, and what they share."""
