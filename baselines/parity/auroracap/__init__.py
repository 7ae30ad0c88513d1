"""Parity of AuroraCap, one module per group of golden files."""
