"""Which models can be checked, and where their checks are; resolved when one is asked for."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import Path

from baselines.parity.report import ParityReport
from vdc.errors import InputError, MissingExtra, unknown_name

MODELS: dict[str, str] = {
    "auroracap": "baselines.parity.auroracap.run:check",
    "llavolta": "baselines.parity.llavolta.run:check",
    "llama_vid": "baselines.parity.llama_vid.run:check",
}
"""Model -> ``module:function`` from a golden folder to a report."""


def check_parity(model: str, folder: str | Path) -> ParityReport:
    """Compare a model of this project with the golden folder of its published code.

    Args:
        model: One of ``MODELS``.
        folder: Golden folder with its manifest.

    Raises:
        InputError: Unknown model, or a folder without a manifest.
        MissingExtra: torch or transformers is not installed.
    """
    if model not in MODELS:
        raise InputError(unknown_name("model", model, MODELS))
    try:
        import torch  # noqa: F401
        import transformers  # noqa: F401
    except ImportError as error:
        raise MissingExtra("checking models", "baselines") from error
    module, _, name = MODELS[model].partition(":")
    check: Callable[[Path], ParityReport] = getattr(import_module(module), name)
    return check(Path(folder))
