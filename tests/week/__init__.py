"""Simulated days on a Prefect server and a worker, by a clock of their own, with kills."""
