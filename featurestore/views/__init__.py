"""What a feature view is, and the views that there are."""
