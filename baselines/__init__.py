"""Captioning models and token reduction."""
