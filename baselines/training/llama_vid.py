"""LLaMA-VID as training sees it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Any, Final

from baselines.common.constants import IMAGE_PLACEHOLDER
from baselines.common.frame_sampling import by_rate, uniform
from baselines.common.images import blank_pixels, centre_crop_pixels, square_pixels
from baselines.common.prompts import IMAGE_MARK, Encode, TextSample
from baselines.common.video import read_frames
from baselines.llama_vid.compress import parse_compression
from baselines.llama_vid.config import LlamaVidConfig, extended_rope
from baselines.llama_vid.features import read_film
from baselines.llama_vid.layouts import native_name, official_name
from baselines.llama_vid.tokenizer import encode_questions
from baselines.llama_vid.training_text import Stage, TrainingSample, encode_sample
from baselines.training.recipe import Recipe
from baselines.training.records import TrainRecord, in_turns
from baselines.training.rows import RowMaker, TrainRow, read_pixels, text_batch
from vdc.errors import InputError, Problem

LARGE: Final = {
    "hidden_size": 5120,
    "num_hidden_layers": 40,
    "num_attention_heads": 40,
    "num_key_value_heads": 40,
    "intermediate_size": 13824,
}
"""Shape of the 13B language model."""


class LlamaVidRows:
    """Records to LLaMA-VID's batches: every question of a sample meets the frames on its own.

    Args:
        processor: Of the checkpoint.
        recipe: Template, lengths, frames.
        tokens_per_frame: Visual tokens of a frame.
    """

    def __init__(self, processor: Any, recipe: Recipe, tokens_per_frame: int) -> None:
        self._data = recipe.data
        self._seed = recipe.seed
        self._encode: Encode = processor.encode
        self._questions = processor.question_tokenizer
        self._pad_id = processor.tokenizer.pad_token_id or 0
        self._spec = processor.image_processor.spec
        self._tokens_per_frame = tokens_per_frame
        self._prepare = square_pixels if self._data.image_aspect_ratio == "pad" else centre_crop_pixels

    def row(self, record: TrainRecord) -> TrainRow:
        """One sample; see :class:`baselines.training.rows.RowMaker`."""
        if record.kind == "film":
            return self._film(record)
        if record.kind == "video":
            # Frames are cropped and never padded, as published.
            rate = read_frames(record.media[0], lambda total: list(range(min(1, total)))).average_fps or self._data.fps
            pixels = read_pixels(
                record,
                lambda picture: centre_crop_pixels(picture, self._spec),
                lambda total: self._sampled(total, rate),
            )
        else:
            pixels = read_pixels(record, lambda picture: self._prepare(picture, self._spec), lambda _: [0])
        sample = self._sample(record)
        return TrainRow(sample.text.truncated(self._data.max_length), pixels, sample.questions)

    def _film(self, record: TrainRecord) -> TrainRow:
        """A film whose end is cut off loses the frames whose marks are gone."""
        film = read_film(record.media[0])
        marks = film.inputs.replace(IMAGE_MARK, IMAGE_MARK * self._tokens_per_frame).replace("...", "")
        sample = self._sample(record, marks)
        text = sample.text.truncated(self._data.max_length)
        kept = text.input_ids.count(IMAGE_PLACEHOLDER) // self._tokens_per_frame
        text = _without_marks_behind(text, kept * self._tokens_per_frame)
        return TrainRow(text, film.tensor()[:kept], sample.questions, stored=True)

    def _sample(self, record: TrainRecord, film: str | None = None) -> TrainingSample:
        stage: Stage = "plain_guided" if self._data.template == "plain_guided" and record.kind != "film" else "imgsp_v1"
        coin = Random(f"{self._seed}/{record.number}")
        return encode_sample(record.messages, self._encode, stage=stage, film=film, coin=coin)

    def _sampled(self, total: int, rate: float) -> list[int]:
        chosen = by_rate(total, rate, self._data.fps)
        most = self._data.max_frames
        return (
            chosen if most is None or len(chosen) <= most else [chosen[place] for place in uniform(len(chosen), most)]
        )

    def collate(self, rows: Sequence[TrainRow]) -> dict[str, Any]:
        """Frames per row (a zero picture where there is none), or features where every row has some; questions."""
        import torch

        stored = [row.stored for row in rows if row.frames is not None]
        if any(stored) and not all(stored):
            problem = Problem("films and pictures in one batch", "one of them", "set batch_size=1")
            raise InputError(problem)
        batch: dict[str, Any] = {**text_batch(rows, self._pad_id)}
        if any(stored):
            empty = next(row.frames for row in rows if row.frames is not None)[:0]
            batch["frame_features"] = [empty if row.frames is None else row.frames for row in rows]
        else:
            blank = torch.from_numpy(blank_pixels(self._spec))[None]
            batch["pixel_values"] = [blank if row.frames is None else row.frames for row in rows]
        return batch | self._asked([list(row.questions) for row in rows])

    def _asked(self, questions: list[list[str]]) -> dict[str, Any]:
        """``question_ids`` and ``question_mask`` ``(batch, questions, ids)``; zeros where a row has fewer."""
        import torch

        flat = [question for row in questions for question in row] or [""]
        ids, mask = (torch.tensor(table) for table in encode_questions(self._questions, flat))
        shape = (len(questions), max(1, *map(len, questions)), ids.shape[1])
        padded, real = torch.zeros(shape, dtype=torch.long), torch.zeros(shape, dtype=torch.long)
        place = 0
        for number, row in enumerate(questions):
            padded[number, : len(row)] = ids[place : place + len(row)]
            real[number, : len(row)] = mask[place : place + len(row)]
            place += len(row)
        return {"question_ids": padded, "question_mask": real}


class LlamaVidFamily:
    """See :class:`baselines.training.families.Family`."""

    parts: Mapping[str, tuple[str, ...]] = {
        "vision_tower": ("model.vision_tower.",),
        "qformer": ("model.qformer.", "model.query_tokens", "model.vision_norm."),
        "context_attention": ("model.context_attention.",),
        "projector": ("model.projector.",),
        "language_model": ("model.language_model.", "lm_head."),
    }
    linear_layers = r"model\.language_model\..*\.(q|k|v|o|gate|up|down)_proj"

    def config(self, recipe: Recipe) -> Any:
        """EVA ViT-g, InstructBLIP's query transformer and Vicuna of that size, or the toy."""
        from baselines.llama_vid.toy import toy_config

        assert recipe.llama_vid is not None  # noqa: S101  (the recipe's own check)
        wanted = recipe.llama_vid
        if recipe.size == "toy":
            return toy_config(compress_type=wanted.compress_type)
        text = LARGE if recipe.size == "13b" else {}
        return LlamaVidConfig(
            vision_config={"image_size": wanted.image_size}, text_config=text, compress_type=wanted.compress_type
        )

    def check(self, record: TrainRecord, recipe: Recipe) -> Problem | None:
        """Messages in turn; a mark needs a picture or video."""
        where = f"record {record.id}"
        guided = recipe.data.template == "plain_guided"
        if guided and (len(record.messages) != 2 or IMAGE_MARK not in record.messages[0]["value"]):
            found = f"{len(record.messages)} messages about a {record.kind}"
            return Problem(found, f"a question with {IMAGE_MARK} and its answer", "use imgsp_v1 for others", where)
        if record.kind == "text" and any(IMAGE_MARK in message["value"] for message in record.messages):
            return Problem(f"{IMAGE_MARK} without a picture", "a picture", "add image or remove the mark", where)
        if len(record.media) > 1:
            return Problem(f"{len(record.media)} pictures", "one", "make a record of each", where)
        return in_turns(record.messages, where)

    def prepare_config(self, config: Any, recipe: Recipe) -> None:
        """Check what decides the tokens of a frame; stretch positions and note what the stage freezes."""
        assert recipe.llama_vid is not None  # noqa: S101  (the recipe's own check)
        wanted = recipe.llama_vid
        problems = []
        if parse_compression(config.compress_type) != parse_compression(wanted.compress_type):
            problems.append(
                Problem(
                    f"a checkpoint with compress_type {config.compress_type}",
                    f"{wanted.compress_type}, as the recipe says",
                    "convert it with that setting, or --set llama_vid.compress_type",
                )
            )
        if int(config.vision_config.image_size) != wanted.image_size:
            problems.append(
                Problem(
                    f"a checkpoint for pictures of {config.vision_config.image_size} pixels",
                    f"{wanted.image_size}, as the recipe says",
                    "convert it with that setting, or --set llama_vid.image_size",
                )
            )
        if problems:
            raise InputError(problems)
        config.bert_type = wanted.bert_type
        config.image_aspect_ratio = recipe.data.image_aspect_ratio
        if wanted.positions is not None:
            config.text_config.rope_parameters = extended_rope(config.text_config, wanted.positions)

    def model_class(self) -> Any:
        """The model."""
        from baselines.llama_vid.model import LlamaVidForConditionalGeneration

        return LlamaVidForConditionalGeneration

    def without_gradient(self, config: Any) -> tuple[str, ...]:
        """The tower, which always runs without, and the query transformer's last text layer, which nothing reads."""
        last = int(config.qformer_config.num_hidden_layers) - 1
        text_only = (f"model.qformer.encoder.layer.{last}.{part}." for part in ("intermediate", "output"))
        return ("model.vision_tower.", *text_only)

    def rows(self, folder: Path, config: Any, recipe: Recipe) -> RowMaker:
        """The preparation of samples."""
        from baselines.llama_vid.processor import LlamaVidProcessor

        tokens = parse_compression(config.compress_type).tokens_per_frame(config.vision_config.grid_side)
        return LlamaVidRows(LlamaVidProcessor.from_pretrained(folder), recipe, tokens)

    def finish_config(self, config: Any, before: Any) -> None:
        """Nothing holds while training alone."""

    def adapter_key(self, name: str) -> str:
        """As the published ``mm_projector.bin`` names it."""
        return official_name(name)

    def parameter_name(self, key: str) -> str | None:
        """From either name."""
        if key.startswith(("model.qformer.", "model.context_attention.", "model.projector.", "model.query_tokens")):
            return key
        name = native_name(key)
        return None if name is None or name.startswith("?") else name

    def visual_tokens(self, config: Any, batch: Mapping[str, Any]) -> float:
        """Tokens of each frame, once per question; one per mark for films."""
        marks = (batch["input_ids"] == IMAGE_PLACEHOLDER).sum(dim=1).tolist()
        if "frame_features" in batch:
            return float(sum(marks))
        tokens = parse_compression(config.compress_type).tokens_per_frame(config.vision_config.grid_side)
        return float(sum(count * len(row) * tokens for count, row in zip(marks, batch["pixel_values"], strict=True)))


def _without_marks_behind(text: TextSample, marks: int) -> TextSample:
    """A sample whose last frame's marks are not all there loses the rest of that frame's."""
    places = [place for place, token in enumerate(text.input_ids) if token == IMAGE_PLACEHOLDER]
    doomed = set(places[marks:])
    kept = [place for place in range(len(text.input_ids)) if place not in doomed]
    return TextSample(tuple(text.input_ids[place] for place in kept), tuple(text.labels[place] for place in kept))
