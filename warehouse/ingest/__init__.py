"""From a listing to published videos and labels."""
