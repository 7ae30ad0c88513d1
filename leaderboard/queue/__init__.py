"""Where submissions wait for a worker, and the workers."""
