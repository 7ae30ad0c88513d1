"""Checks of LLaVolta against golden files of its published code."""
