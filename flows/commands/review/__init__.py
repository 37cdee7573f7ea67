"""Commands that look at single predictions and labels: mistakes, nearest, explain, compare."""
