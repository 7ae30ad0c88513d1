"""Captioning videos with any model: what is asked, who answers, and a file that survives every interruption."""
