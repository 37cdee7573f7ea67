"""The table of predictions: one row for each listed video of a scored partition."""

import dataframely as dy

PREDICTIONS = "tables/predictions"


class Predictions(dy.Schema):
    """One row for each listed video of a scored partition."""

    video_id = dy.String(primary_key=True)
    category_id = dy.String()
    level1_id = dy.String()
    probability = dy.Float32(min=0, max=1)
    top5_category_ids = dy.List(dy.String())
    """Best first."""
    top5_probabilities = dy.List(dy.Float32())
    probabilities = dy.List(dy.Float32())
    """Of all categories, in the order of the model's taxonomy."""
    frames_missing = dy.Bool()
    text_missing = dy.Bool()
    model_id = dy.String()
    frames_commit = dy.String(nullable=True)
    text_commit = dy.String(nullable=True)
