"""Reports of a run: ``report.json`` for programs, ``report.md`` and plots for people."""
