"""People who don't exist: how they act and speak, how they look, and the exact truth of every frame."""
