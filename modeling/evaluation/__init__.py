"""How good a model is, and how a person is told.

Measures, baselines, calibration, the model card, the report.
"""
