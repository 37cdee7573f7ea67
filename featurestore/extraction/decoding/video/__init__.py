"""The inside of a video file: its container, its timeline, its groups of pictures, its frames."""
