"""AuroraCap as training sees it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from baselines.auroracap.text import encode_turns, record_turns
from baselines.common.frame_sampling import uniform_with_last
from baselines.common.images import blank_pixels, centre_crop_pixels, padded_pixels
from baselines.common.prompts import IMAGE_MARK, Encode
from baselines.token_reduction.schedule import merges_per_layer, tokens_per_layer
from baselines.training.llavolta import unused_tower_layers
from baselines.training.recipe import Recipe
from baselines.training.records import TrainRecord
from baselines.training.rows import RowMaker, TrainRow, read_pixels, text_batch
from vdc.errors import Problem


class AuroraCapRows:
    """Records to AuroraCap's batches; a video is as many pictures as frames are taken of it.

    Args:
        processor: Of the checkpoint.
        recipe: Lengths and pictures.
    """

    def __init__(self, processor: Any, recipe: Recipe) -> None:
        self._data = recipe.data
        self._encode: Encode = processor.encode
        self._eos_id = int(processor.tokenizer.eos_token_id)
        self._pad_id = processor.tokenizer.pad_token_id or 0
        self._spec = processor.image_processor.spec
        self._prepare = padded_pixels if self._data.image_aspect_ratio == "pad" else centre_crop_pixels

    def row(self, record: TrainRecord) -> TrainRow:
        """One sample; see :class:`baselines.training.rows.RowMaker`."""
        pixels = read_pixels(
            record,
            lambda picture: self._prepare(picture, self._spec),
            lambda total: uniform_with_last(total, self._data.frames),
        )
        messages: Sequence[Mapping[str, str]] = record.messages
        if record.kind == "video" and pixels is not None:
            marks = IMAGE_MARK * len(pixels)
            messages = [{**message, "value": message["value"].replace(IMAGE_MARK, marks)} for message in messages]
        sample = encode_turns(record_turns({"conversations": messages}), self._encode, eos_id=self._eos_id)
        return TrainRow(sample.truncated(self._data.max_length), pixels)

    def collate(self, rows: Sequence[TrainRow]) -> dict[str, Any]:
        """``pixel_values`` ``(batch, frames, 3, side, side)``, zero where a row has fewer, and ``frame_counts``."""
        import torch

        counts = [0 if row.frames is None else min(len(row.frames), row.placeholders) for row in rows]
        blank = torch.from_numpy(blank_pixels(self._spec))
        shape = next((row.frames.shape[1:] for row in rows if row.frames is not None), blank.shape)
        pixels = torch.zeros(len(rows), max(1, *counts), *shape)
        for number, row in enumerate(rows):
            if row.frames is not None:
                pixels[number, : counts[number]] = row.frames[: counts[number]]
        return {**text_batch(rows, self._pad_id), "pixel_values": pixels, "frame_counts": torch.tensor(counts)}


class AuroraCapFamily:
    """See :class:`baselines.training.families.Family`."""

    parts: Mapping[str, tuple[str, ...]] = {
        "vision_tower": ("model.vision_tower.",),
        "projector": ("model.multi_modal_projector.",),
        "language_model": ("model.language_model.", "lm_head."),
    }
    linear_layers = r"model\.language_model\..*\.(q|k|v|o|gate|up|down)_proj"

    def config(self, recipe: Recipe) -> Any:
        """CLIP ViT-H at 378 pixels and Vicuna-7B, or the toy."""
        from baselines.auroracap.toy import toy_config
        from baselines.bench.shapes import SHAPES

        return toy_config() if recipe.size == "toy" else SHAPES["7b"].config()

    def check(self, record: TrainRecord, recipe: Recipe) -> Problem | None:  # noqa: ARG002  (other models need it)
        """A mark needs a picture, and a pair of question and answer is left after clean-up."""
        where = f"record {record.id}"
        if record.kind == "film":
            return Problem("stored features of a film", "a video file", "only LLaMA-VID reads features", where)
        if record.kind == "text" and any(IMAGE_MARK in message["value"] for message in record.messages):
            return Problem(f"{IMAGE_MARK} without a picture", "a picture", "add image or remove the mark", where)
        if not record_turns({"conversations": record.messages}):
            return Problem("no question before an answer", "a question and its answer", "correct it", where)
        return None

    def prepare_config(self, config: Any, recipe: Recipe) -> None:
        """Merge tokens as the recipe says."""
        if recipe.auroracap is not None:
            config.token_kept_ratio = recipe.auroracap.token_kept_ratio

    def model_class(self) -> Any:
        """The model."""
        from baselines.auroracap.model import AuroraCapForConditionalGeneration

        return AuroraCapForConditionalGeneration

    def without_gradient(self, config: Any) -> tuple[str, ...]:
        """Layers behind the feature; the position table, unless the configuration trains it."""
        behind = unused_tower_layers("model.vision_tower.", config)
        table = "model.vision_tower.embeddings.position_embedding."
        return behind if config.train_position_embedding else (*behind, table)

    def rows(self, folder: Path, config: Any, recipe: Recipe) -> RowMaker:  # noqa: ARG002  (other models need it)
        """The preparation of samples."""
        from baselines.auroracap.processor import AuroraCapProcessor

        return AuroraCapRows(AuroraCapProcessor.from_pretrained(folder), recipe)

    def finish_config(self, config: Any, before: Any) -> None:
        """The ratio of training is not that of answers."""
        config.token_kept_ratio = before.token_kept_ratio

    def adapter_key(self, name: str) -> str:
        """As this project names it: the published file belongs to another framework."""
        return name

    def parameter_name(self, key: str) -> str | None:
        """The key itself."""
        return key

    def visual_tokens(self, config: Any, batch: Mapping[str, Any]) -> float:
        """After merging, class token left out."""
        vision = config.vision_config
        side = int(vision.image_size) // int(vision.patch_size) * int(vision.patch_size)
        layers = int(vision.num_hidden_layers)
        count = merges_per_layer(side, side, int(vision.patch_size), layers, config.token_kept_ratio)
        last = int(config.vision_feature_layer)
        used = last if last >= 0 else layers + 1 + last
        tokens = tokens_per_layer((side // int(vision.patch_size)) ** 2 + 1, count, used)[-1] - 1
        return float(int(batch["frame_counts"].sum()) * tokens)
