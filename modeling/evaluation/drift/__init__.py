"""Drift: how a day differs from what a model learned from, compared with how days differ anyway."""
