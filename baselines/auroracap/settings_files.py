"""The settings files beside the weights, in every layout: read into one configuration and written from it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from transformers import CLIPVisionConfig, LlamaConfig

from baselines.auroracap.config import AuroraCapConfig
from baselines.auroracap.layouts import Layout
from baselines.auroracap.processor import CHAT_TEMPLATE, IMAGE_PROCESSOR, PROCESSOR
from baselines.common.constants import IMAGE_PLACEHOLDER
from baselines.common.images import CLIP_MEAN, CLIP_STD
from baselines.common.shards import read_json, write_json
from vdc.errors import InputError, Problem
from vdc.fileio import write_atomic


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
            text_config=LlamaConfig(**_renamed(table)).to_dict(),
            vision_config=CLIPVisionConfig(**_renamed(vision)).to_dict(),
            projector_depth=projector.get("depth", 2),
            projector_hidden_act=projector.get("hidden_act", "gelu"),
            multimodal_projector_bias=projector.get("bias", True),
            dtype=table.get("torch_dtype"),
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
    wanted = AuroraCapConfig().to_dict().keys() - {"model_type", "architectures", "transformers_version"}
    return AuroraCapConfig(**{key: value for key, value in table.items() if key in wanted})


def _renamed(table: dict[str, Any]) -> dict[str, Any]:
    # torch_dtype became dtype in transformers 4.56; architectures name classes that no longer exist.
    renamed = {key: value for key, value in table.items() if key not in ("model_type", "transformers_version")}
    if "torch_dtype" in renamed:
        renamed["dtype"] = renamed.pop("torch_dtype")
    return renamed


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
        preprocessor: Settings of the image processor; empty takes :func:`default_preprocessor`.
        target: Folder, with the subfolders of the layout.
        layout: Layout to write.

    Raises:
        InputError: A model that the layout cannot describe.
    """
    preprocessor = preprocessor or default_preprocessor(config)
    if layout == "native":
        table = config.to_dict() | {"architectures": ["AuroraCapForConditionalGeneration"]}
        write_json(target / "preprocessor_config.json", preprocessor | {"image_processor_type": IMAGE_PROCESSOR})
        write_json(target / "processor_config.json", {"processor_class": PROCESSOR})
        write_atomic(target / "chat_template.jinja", CHAT_TEMPLATE)
        write_json(target / "config.json", table)
        return
    plain = {key: value for key, value in preprocessor.items() if key != "processor_class"}
    plain["image_processor_type"] = "CLIPImageProcessor"
    if layout != "xtuner":
        write_json(target / "preprocessor_config.json", plain)
        write_json(target / "config.json", _llava_config(config))
        return
    write_json(target / "visual_encoder" / "preprocessor_config.json", plain)
    write_json(target / "visual_encoder" / "config.json", _plain(_part(config, "vision_config")))
    write_json(target / "projector" / "config.json", _projector_config(config))
    write_json(target / "config.json", _text_config(config))


def default_preprocessor(config: AuroraCapConfig) -> dict[str, Any]:
    """Settings of the image processor that the released weights come with, at the tower's size."""
    size = config.vision_config.image_size
    return {
        "crop_size": {"height": size, "width": size},
        "do_center_crop": True,
        "do_convert_rgb": True,
        "do_normalize": True,
        "do_rescale": True,
        "do_resize": True,
        "image_mean": list(CLIP_MEAN),
        "image_std": list(CLIP_STD),
        "resample": 3,
        "rescale_factor": 1 / 255,
        "size": {"shortest_edge": size},
    }


def _plain(table: dict[str, Any]) -> dict[str, Any]:
    """A configuration as transformers 4 wrote it."""
    plain = {key: value for key, value in table.items() if key not in ("dtype", "transformers_version")}
    if table.get("dtype") is not None:
        plain["torch_dtype"] = str(table["dtype"]).removeprefix("torch.")
    return plain


def _part(config: AuroraCapConfig, name: str) -> dict[str, Any]:
    """One part's settings; a part that names no dtype has the whole model's."""
    table: dict[str, Any] = getattr(config, name).to_dict()
    return table if table.get("dtype") is not None else table | {"dtype": config.dtype}


def _text_config(config: AuroraCapConfig) -> dict[str, Any]:
    table = _plain(_part(config, "text_config"))
    rope = dict(table.pop("rope_parameters", None) or {})
    table["rope_theta"] = rope.pop("rope_theta", 10000.0)
    kind = rope.get("rope_type", "default")
    table["rope_scaling"] = None if kind == "default" else rope | {"type": kind}
    if table.get("head_dim") == table["hidden_size"] // table["num_attention_heads"]:
        table.pop("head_dim")
    return table


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
        "torch_dtype": str(config.dtype or "float32").removeprefix("torch."),
        "visual_hidden_size": config.vision_config.hidden_size,
    }


def _llava_config(config: AuroraCapConfig) -> dict[str, Any]:
    """For transformers' own Llava class, which runs the weights without merging. Its placeholder must be a real id."""
    if config.projector_depth != 2:
        raise InputError(
            Problem(f"a projector of {config.projector_depth} layers", "2 for this layout", "write native or xtuner")
        )
    text, vision = config.text_config.to_dict(), config.vision_config.to_dict()
    index = int(config.image_token_index)
    return {
        "architectures": ["LlavaForConditionalGeneration"],
        "model_type": "llava",
        "text_config": text,
        "vision_config": vision,
        "image_token_index": text["vocab_size"] if index == IMAGE_PLACEHOLDER else index,
        "projector_hidden_act": config.projector_hidden_act,
        "multimodal_projector_bias": config.multimodal_projector_bias,
        "vision_feature_layer": config.vision_feature_layer,
        "vision_feature_select_strategy": "default",
        "tie_word_embeddings": False,
        "dtype": None if config.dtype is None else str(config.dtype).removeprefix("torch."),
    }
