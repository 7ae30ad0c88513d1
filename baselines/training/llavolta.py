"""LLaVolta as training sees it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from baselines.common.constants import IMAGE_PLACEHOLDER
from baselines.common.frame_sampling import uniform
from baselines.common.images import blank_pixels, centre_crop_pixels, square_pixels
from baselines.common.prompts import Encode
from baselines.llavolta.accounting import token_layers
from baselines.llavolta.layouts import canonical_name, projector_key, stored_name
from baselines.llavolta.text import (
    EOS_TEXT,
    Message,
    encode_caption,
    encode_conversation,
    prompt_format,
    read_messages,
)
from baselines.training.recipe import Recipe
from baselines.training.records import TrainRecord, in_turns
from baselines.training.rows import RowMaker, TrainRow, read_pixels, text_batch
from vdc.errors import Problem


class LlavoltaRows:
    """Records to LLaVolta's batches.

    A video is as many pictures as frames are taken of it, each with a placeholder.

    Args:
        processor: Of the checkpoint.
        recipe: Template, lengths, pictures.
    """

    def __init__(self, processor: Any, recipe: Recipe) -> None:
        self._data = recipe.data
        self._encode: Encode = processor.encode
        self._pad_id = processor.tokenizer.pad_token_id or 0
        self._spec = processor.image_processor.spec
        self._legacy = counts_as_legacy(self._encode)
        self._prepare = square_pixels if self._data.image_aspect_ratio == "pad" else centre_crop_pixels

    def row(self, record: TrainRecord) -> TrainRow:
        """One sample; see :class:`baselines.training.rows.RowMaker`."""
        pixels = read_pixels(
            record,
            lambda picture: self._prepare(picture, self._spec),
            lambda total: uniform(total, self._data.frames),
        )
        shown = pixels is not None
        messages = read_messages({"id": record.id, "conversations": record.messages}, has_image=shown)
        if record.kind == "video" and pixels is not None:
            messages = tuple(_mark_frames(message, len(pixels)) for message in messages)
        if self._data.template == "plain":
            more = 0 if pixels is None else len(pixels) - 1
            sample = encode_caption(prompt_format().placeholder * more + messages[1].text, self._encode)
        else:
            sample = encode_conversation(
                messages,
                self._encode,
                has_image=shown,
                legacy=self._legacy,
                max_length=self._data.max_length,
                pad_id=self._pad_id,
            ).sample
        return TrainRow(sample.truncated(self._data.max_length), pixels)

    def collate(self, rows: Sequence[TrainRow]) -> dict[str, Any]:
        """``pixel_values`` has each row's own pictures, or None; a batch of text alone has one dummy, in each row."""
        import torch

        pixels: list[Any] = [
            row.frames[: row.placeholders] if row.frames is not None and row.placeholders else None for row in rows
        ]
        if not any(given is not None for given in pixels):
            # Every worker of a parallel training must touch the same parameters in every step.
            blank = torch.from_numpy(blank_pixels(self._spec))[None]
            pixels = [blank] * len(rows)
        return {**text_batch(rows, self._pad_id), "pixel_values": pixels}


class LlavoltaFamily:
    """See :class:`baselines.training.families.Family`."""

    parts: Mapping[str, tuple[str, ...]] = {
        "vision_tower": ("model.vision_tower.",),
        "projector": ("model.multi_modal_projector.",),
        "language_model": ("model.language_model.", "lm_head."),
    }
    linear_layers = r"model\.language_model\..*\.(q|k|v|o|gate|up|down)_proj"

    def config(self, recipe: Recipe) -> Any:
        """LLaVA-1.5 on Vicuna of that size, or the toy."""
        from baselines.llavolta.settings_files import config_from_official
        from baselines.llavolta.toy import toy_config

        if recipe.size == "toy":
            return toy_config()
        large = {"hidden_size": 5120, "num_hidden_layers": 40, "num_attention_heads": 40, "intermediate_size": 13824}
        text = large | {"num_key_value_heads": 40} if recipe.size == "13b" else {}
        return config_from_official({"mm_projector_type": "mlp2x_gelu", **text})

    def check(self, record: TrainRecord, recipe: Recipe) -> Problem | None:
        """Messages in turn; marks of pictures in text alone are plain text, as published."""
        where = f"record {record.id}"
        if record.kind == "film":
            return Problem("stored features of a film", "a video file", "only LLaMA-VID reads features", where)
        if recipe.data.template == "plain" and (record.kind == "text" or len(record.messages) != 2):
            found = f"{len(record.messages)} messages about a {record.kind}"
            return Problem(found, "a picture, a question and its caption", "use the template v1 for others", where)
        return in_turns(record.messages, where)

    def prepare_config(self, config: Any, recipe: Recipe) -> None:
        """Cut rows where the recipe says."""
        config.max_sequence_length = recipe.data.max_length
        config.image_aspect_ratio = recipe.data.image_aspect_ratio

    def model_class(self) -> Any:
        """The model."""
        from baselines.llavolta.model import LlavoltaForConditionalGeneration

        return LlavoltaForConditionalGeneration

    def without_gradient(self, config: Any) -> tuple[str, ...]:
        """Layers of the tower behind the one whose output is used."""
        return unused_tower_layers("model.vision_tower.", config)

    def rows(self, folder: Path, config: Any, recipe: Recipe) -> RowMaker:  # noqa: ARG002  (other models need it)
        """The preparation of samples."""
        from baselines.llavolta.processor import LlavoltaProcessor

        return LlavoltaRows(LlavoltaProcessor.from_pretrained(folder), recipe)

    def finish_config(self, config: Any, before: Any) -> None:
        """Nothing holds while training alone: length and pictures belong to the trained model."""

    def adapter_key(self, name: str) -> str:
        """As ``mm_projector.bin`` names it."""
        canonical = canonical_name(name, "native")
        return name if canonical is None else stored_name(canonical, "official")

    def parameter_name(self, key: str) -> str | None:
        """From either name."""
        canonical = projector_key(key) if "mm_projector." in key else canonical_name(key, "native")
        return None if canonical is None or canonical.startswith("?") else stored_name(canonical, "native")

    def visual_tokens(self, config: Any, batch: Mapping[str, Any]) -> float:
        """By the setting that holds in this pass."""
        layers = int(config.text_config.num_hidden_layers)
        side = int(config.vision_config.image_size) // int(config.vision_config.patch_size)
        pictures = int((batch["input_ids"] == IMAGE_PLACEHOLDER).sum())
        return pictures * token_layers(config.compression, layers=layers, visual_tokens=side * side) / layers


def unused_tower_layers(prefix: str, config: Any) -> tuple[str, ...]:
    """Starts of names of a CLIP tower's layers that lie behind the feature, and of its last norm."""
    layers = int(config.vision_config.num_hidden_layers)
    last = int(config.vision_feature_layer)
    used = last if last >= 0 else layers + 1 + last
    behind = tuple(f"{prefix}encoder.layers.{number}." for number in range(used, layers))
    return (*behind, f"{prefix}post_layernorm.")


def counts_as_legacy(encode: Encode) -> bool:
    """Whether a turn has as many ids behind an end mark as alone.

    The published label rule asks the tokenizer's ``legacy`` flag for this; measuring it also serves tokenizers without
    the flag.
    """
    turn = prompt_format().turn("x")
    return len(encode(f"{EOS_TEXT}{turn}", False)) - 1 == len(encode(turn, False))


def _mark_frames(message: Message, frames: int) -> Message:
    style = prompt_format()
    if style.placeholder not in message.text:
        return message
    text = message.text.replace(style.placeholder, "").removeprefix(style.after_placeholders)
    return Message(message.human, style.question(text, frames))
