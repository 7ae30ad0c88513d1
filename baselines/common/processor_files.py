"""The settings files of image processor and processor beside the weights, as ``from_pretrained`` reads them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from baselines.common.images import CLIP_MEAN, CLIP_STD
from baselines.common.shards import write_json
from vdc.fileio import write_atomic


def image_settings(size: int) -> dict[str, Any]:
    """Settings of CLIP's image processor, which all the released models see through.

    Args:
        size: Side of the square that the tower sees, pixels.
    """
    return {
        "crop_size": {"height": size, "width": size},
        "do_center_crop": True,
        "do_convert_rgb": True,
        "do_normalize": True,
        "do_rescale": True,
        "do_resize": True,
        "image_mean": list(CLIP_MEAN),
        "image_processor_type": "CLIPImageProcessor",
        "image_std": list(CLIP_STD),
        "resample": 3,
        "rescale_factor": 1 / 255,
        "size": {"shortest_edge": size},
    }


def write_processor_files(
    target: Path,
    settings: Mapping[str, Any],
    *,
    image_processor: str,
    processor: str,
    options: Mapping[str, Any] | None = None,
    chat_template: str | None = None,
) -> None:
    """Write what makes ``AutoProcessor`` build a processor of this project.

    Args:
        target: Folder of the checkpoint.
        settings: As :func:`image_settings`.
        image_processor: Class name of the image processor.
        processor: Class name of the processor.
        options: Arguments of the processor.
        chat_template: Jinja template; None writes none.
    """
    write_json(target / "preprocessor_config.json", {**settings, "image_processor_type": image_processor})
    write_json(target / "processor_config.json", {"processor_class": processor, **(options or {})})
    if chat_template is not None:
        write_atomic(target / "chat_template.jinja", chat_template)
