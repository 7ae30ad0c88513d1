"""AuroraCap behind transformers' own OpenAI-compatible server.

python -m baselines.captioning.serve MODEL_DIR [--device cpu] [--port 8000] and every other option of transformers serve

The plain ``transformers serve MODEL_DIR`` does not know the model: see docs/serving.md.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from vdc.errors import InputError, MissingExtra, Problem, VdcError


def register_for_serving() -> None:
    """Make transformers' server load AuroraCap and send it pictures.

    The server looks a model up by the names in two tables, not through the Auto classes' registry, so both are told.

    Raises:
        MissingExtra: transformers, or what its server needs, is not installed.
    """
    try:
        import fastapi  # noqa: F401
        import uvicorn  # noqa: F401
        from transformers import AutoModelForMultimodalLM, AutoProcessor
        from transformers.models.auto import modeling_auto
    except ImportError as error:
        raise MissingExtra("serving a model", "baselines") from error
    from baselines.auroracap import AuroraCapConfig, AuroraCapForConditionalGeneration

    AutoModelForMultimodalLM.register(AuroraCapConfig, AuroraCapForConditionalGeneration, exist_ok=True)
    AutoProcessor.register(AuroraCapConfig, served_processor(), exist_ok=True)
    for table in (
        modeling_auto.MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING_NAMES,
        modeling_auto.MODEL_FOR_MULTIMODAL_LM_MAPPING_NAMES,
    ):
        table[AuroraCapConfig.model_type] = AuroraCapForConditionalGeneration.__name__


def served_processor() -> type[Any]:
    """A processor that also takes pictures as the server hands them over: as addresses, which may hold the data."""
    from transformers.image_utils import load_image

    from baselines.auroracap import AuroraCapProcessor

    def opened(images: Any) -> Any:
        if isinstance(images, (list, tuple)):
            return [opened(image) for image in images]
        return load_image(images) if isinstance(images, str) else images

    class ServedAuroraCapProcessor(AuroraCapProcessor):
        """See above."""

        def __call__(self, images: Any = None, text: Any = None, videos: Any = None, **kwargs: Any) -> Any:
            """As the base class."""
            return super().__call__(images=opened(images), text=text, videos=videos, **kwargs)

    return ServedAuroraCapProcessor


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
    if folder.is_dir() and read_config(folder).get("model_type") != "auroracap":
        raise InputError(
            Problem(
                "a folder that is no converted AuroraCap",
                "one written by python -m baselines.auroracap.convert",
                "convert it first; for other models use transformers serve",
                name,
            )
        )


if __name__ == "__main__":
    sys.exit(main())
