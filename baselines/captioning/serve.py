"""AuroraCap or LLaVolta behind transformers' own OpenAI-compatible server.

python -m baselines.captioning.serve MODEL_DIR [--device cpu] [--port 8000] and every other option of transformers serve

The plain ``transformers serve MODEL_DIR`` does not know the models: see docs/serving.md.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from vdc.errors import InputError, MissingExtra, Problem, VdcError

SERVED: Final = ("auroracap", "llavolta")
"""Families whose prompts are pictures and text; LLaMA-VID needs the question beside them."""


def register_for_serving() -> None:
    """Make transformers' server load this project's models and send them pictures.

    The server looks a model up by the names in two tables, not through the Auto classes' registry, so both are told.

    Raises:
        MissingExtra: transformers, or what its server needs, is not installed.
    """
    try:
        import fastapi  # noqa: F401
        import uvicorn  # noqa: F401
        from transformers import AutoModelForMultimodalLM
        from transformers.models.auto import modeling_auto
    except ImportError as error:
        raise MissingExtra("serving a model", "baselines") from error
    from baselines.auroracap import AuroraCapConfig, AuroraCapForConditionalGeneration
    from baselines.llavolta import LlavoltaConfig, LlavoltaForConditionalGeneration

    models: dict[Any, Any] = {
        AuroraCapConfig: AuroraCapForConditionalGeneration,
        LlavoltaConfig: LlavoltaForConditionalGeneration,
    }
    for config, model in models.items():
        AutoModelForMultimodalLM.register(config, model, exist_ok=True)
        for table in (
            modeling_auto.MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING_NAMES,
            modeling_auto.MODEL_FOR_MULTIMODAL_LM_MAPPING_NAMES,
        ):
            table[config.model_type] = model.__name__


def main(arguments: Sequence[str] | None = None) -> int:
    """Check the model's folder, register it, and hand over to ``transformers serve``.

    Returns:
        The exit code.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        if given and not given[0].startswith("-"):
            _check_folder(given[0])
        register_for_serving()
    except VdcError as error:
        sys.stderr.write(f"serve: {error}\n")
        return error.exit_code
    from transformers.cli.transformers import main as transformers_main

    sys.argv = ["transformers", "serve", *given]
    transformers_main()
    return 0


def _check_folder(name: str) -> None:
    from baselines.captioning.checkpoints import read_config

    folder = Path(name)
    if folder.is_dir() and (kind := read_config(folder).get("model_type")) not in SERVED:
        raise InputError(
            Problem(
                f"a folder that is no converted AuroraCap or LLaVolta (its model type is {kind!r})",
                "one written by python -m baselines.auroracap.convert or baselines.llavolta.convert",
                "convert it first; LLaMA-VID runs in vdc caption and vdc chat; for other models use transformers serve",
                name,
            )
        )


if __name__ == "__main__":
    sys.exit(main())
