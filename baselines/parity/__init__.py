"""Numeric parity with published code: golden folders in, one line per checked item out."""
