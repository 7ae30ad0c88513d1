"""The settings files beside the weights, in every layout: read into one configuration and written from it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from transformers import CLIPVisionConfig, LlamaConfig

from baselines.auroracap.config import AuroraCapConfig
from baselines.auroracap.layouts import Layout
from baselines.auroracap.processor import CHAT_TEMPLATE, IMAGE_PROCESSOR, PROCESSOR
from baselines.common.processor_files import image_settings, write_processor_files
from baselines.common.settings_tables import (
    dtype_name,
    fields_of,
    llava_table,
    settings_of,
    stored_dtype,
    without_derived_head_dim,
    write_rope,
)
from baselines.common.shards import read_json, write_json
from vdc.errors import InputError, Problem


def read_config(root: Path, layout: Layout) -> AuroraCapConfig:
    """The configuration of a checkpoint.

    Args:
        root: Its folder.
        layout: Its layout.

    Raises:
        InputError: A settings file is missing, broken, or of another kind of model.
    """
    table = read_json(root / "config.json")
    if layout == "xtuner":
        vision = read_json(root / "visual_encoder" / "config.json")
        projector = read_json(root / "projector" / "config.json")
        return AuroraCapConfig(
            text_config=LlamaConfig(**settings_of(table)).to_dict(),
            vision_config=CLIPVisionConfig(**settings_of(vision)).to_dict(),
            projector_depth=projector.get("depth", 2),
            projector_hidden_act=projector.get("hidden_act", "gelu"),
            multimodal_projector_bias=projector.get("bias", True),
            dtype=stored_dtype(table),
        )
    if "text_config" not in table or "vision_config" not in table:
        raise InputError(
            Problem(
                f"a configuration of {table.get('model_type', 'no model type')} without text and vision parts",
                "text_config and vision_config",
                "name another AuroraCap folder as config_from",
                str(root / "config.json"),
            )
        )
    return AuroraCapConfig(**fields_of(AuroraCapConfig, table))


def read_preprocessor(root: Path, layout: Layout) -> dict[str, Any]:
    """Settings of the image processor; empty where the folder has none.

    Args:
        root: Folder of the checkpoint.
        layout: Its layout.

    Raises:
        InputError: The file is broken.
    """
    path = root / ("visual_encoder" if layout == "xtuner" else "") / "preprocessor_config.json"
    if path.is_file():
        return read_json(path)
    path = root / "processor_config.json"
    nested = read_json(path).get("image_processor") if path.is_file() else None
    return dict(nested) if isinstance(nested, dict) else {}


def write_settings(config: AuroraCapConfig, preprocessor: dict[str, Any], target: Path, layout: Layout) -> None:
    """Write every settings file that a layout has.

    Args:
        config: What model it is.
        preprocessor: Settings of the image processor; empty takes those of CLIP.
        target: Folder, with the subfolders of the layout.
        layout: Layout to write.

    Raises:
        InputError: A model that the layout cannot describe.
    """
    preprocessor = preprocessor or image_settings(config.vision_config.image_size)
    if layout == "native":
        table = config.to_dict() | {"architectures": ["AuroraCapForConditionalGeneration"]}
        write_processor_files(
            target,
            preprocessor,
            image_processor=IMAGE_PROCESSOR,
            processor=PROCESSOR,
            chat_template=CHAT_TEMPLATE,
        )
        write_json(target / "config.json", table)
        return
    plain = {key: value for key, value in preprocessor.items() if key != "processor_class"}
    plain["image_processor_type"] = "CLIPImageProcessor"
    if layout != "xtuner":
        write_json(target / "preprocessor_config.json", plain)
        write_json(target / "config.json", _llava_table(config))
        return
    write_json(target / "visual_encoder" / "preprocessor_config.json", plain)
    write_json(target / "visual_encoder" / "config.json", _plain(_part(config, "vision_config")))
    write_json(target / "projector" / "config.json", _projector_config(config))
    write_json(target / "config.json", _text_config(config))


def _plain(table: dict[str, Any]) -> dict[str, Any]:
    """A configuration as transformers 4 wrote it."""
    plain = {key: value for key, value in table.items() if key not in ("dtype", "transformers_version")}
    if table.get("dtype") is not None:
        plain["torch_dtype"] = dtype_name(table["dtype"])
    return plain


def _part(config: AuroraCapConfig, name: str) -> dict[str, Any]:
    """One part's settings; a part that names no dtype has the whole model's."""
    table: dict[str, Any] = getattr(config, name).to_dict()
    return table if table.get("dtype") is not None else table | {"dtype": config.dtype}


def _text_config(config: AuroraCapConfig) -> dict[str, Any]:
    table = _plain(_part(config, "text_config"))
    table.pop("rope_parameters", None)
    return without_derived_head_dim(table) | write_rope(config.text_config, rope_type=True)


def _projector_config(config: AuroraCapConfig) -> dict[str, Any]:
    return {
        "architectures": ["ProjectorModel"],
        "auto_map": {
            "AutoConfig": "configuration_projector.ProjectorConfig",
            "AutoModel": "modeling_projector.ProjectorModel",
        },
        "bias": config.multimodal_projector_bias,
        "depth": config.projector_depth,
        "hidden_act": config.projector_hidden_act,
        "llm_hidden_size": config.text_config.hidden_size,
        "model_type": "projector",
        "torch_dtype": dtype_name(config.dtype or "float32"),
        "visual_hidden_size": config.vision_config.hidden_size,
    }


def _llava_table(config: AuroraCapConfig) -> dict[str, Any]:
    if config.projector_depth != 2:
        raise InputError(
            Problem(f"a projector of {config.projector_depth} layers", "2 for this layout", "write native or xtuner")
        )
    return llava_table(config, projector_act=config.projector_hidden_act)
