"""A page to try models on a clip."""
