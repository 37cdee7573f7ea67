"""Figures of the product and of its peers, each measured in the same run."""
