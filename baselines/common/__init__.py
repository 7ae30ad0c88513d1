"""What every model here shares; ``README.md`` beside this file says where to find what."""
