"""How good a model is, and how a person is told: measures, baselines, calibration, the model card, the report."""
