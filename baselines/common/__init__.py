"""What every model here shares: reading videos, preparing images, prompts with placeholders, and the one splice."""
