"""Snapshots of committed features, and their examples read back."""
