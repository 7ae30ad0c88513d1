"""VDC: score, compare and reproduce detailed video captioners.

Public calls resolve on first use, so that ``import vdc`` stays fast::

    import vdc
    benchmark = vdc.load_benchmark("sample")
    run = vdc.score("predictions.jsonl", benchmark=benchmark, judge="lexical", out="run")
"""

from __future__ import annotations

from typing import Any

from vdc._version import __version__

__all__ = ["__version__", "compare", "load_benchmark", "load_dataset", "read_predictions", "score"]


def __getattr__(name: str) -> Any:
    from vdc.commands import PUBLIC, resolve

    if name in PUBLIC:
        return resolve(PUBLIC[name])
    raise AttributeError(f"module 'vdc' has no attribute {name!r}; public names are {', '.join(__all__)}")


def __dir__() -> list[str]:
    return sorted(__all__)
