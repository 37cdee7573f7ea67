"""The storage layer.

Immutable files, the catalog that publishes them, and tables of videos, labels and predictions.
"""
