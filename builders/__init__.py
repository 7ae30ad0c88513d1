"""Make and check data."""
