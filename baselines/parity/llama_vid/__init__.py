"""The checks of LLaMA-VID."""
