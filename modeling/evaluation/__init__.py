"""How good a model is: measures, baselines, calibration, the model card and the site."""
