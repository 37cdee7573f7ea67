"""Forgetting videos: their rows in all that a store keeps, and how they are taken out."""

from featurestore.forgetting.forget import ForgetSummary, forget_again, forget_videos, traces

__all__ = ["ForgetSummary", "forget_again", "forget_videos", "traces"]
