"""Readers for every file format in which captions arrive."""
