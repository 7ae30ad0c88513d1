"""Tower, query transformer, context attention, projector and decoder: frames and questions to visual tokens."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from transformers import AutoModel, InstructBlipQFormerModel, PreTrainedModel

from baselines.common.cache_name import CACHE_NAME, name_cache
from baselines.llama_vid.compress import attend_context, parse_compression, pool_patches
from baselines.llama_vid.config import LlamaVidConfig
from baselines.llama_vid.frame_blocks import frame_blocks, paired_rows
from baselines.llama_vid.vision import EvaVisionTower
from vdc.errors import InputError, Problem


class ContextAttention(nn.Module):
    """The three projections around :func:`attend_context`.

    Args:
        config: The configuration.
    """

    def __init__(self, config: LlamaVidConfig) -> None:
        super().__init__()
        vision: Any = config.vision_config
        qformer: Any = config.qformer_config
        text: Any = config.text_config
        self.query_projector = nn.Linear(qformer.hidden_size, vision.hidden_size)
        self.key_projector = nn.Linear(vision.hidden_size, vision.hidden_size)
        self.value_projector = nn.Linear(vision.hidden_size, text.hidden_size)

    def forward(self, queries: Tensor, patches: Tensor) -> Tensor:
        """``(rows, queries, query dim)`` and ``(rows, patches, vision dim)`` to ``(rows, text dim)``."""
        seen = attend_context(self.query_projector(queries), self.key_projector(patches), patches)
        return self.value_projector(seen)


def make_projector(config: LlamaVidConfig) -> nn.Sequential:
    """Linear layers with the exact GELU between each two."""
    vision: Any = config.vision_config
    text: Any = config.text_config
    layers: list[nn.Module] = [nn.Linear(vision.hidden_size, text.hidden_size)]
    for _ in range(1, config.projector_depth):
        layers += [nn.GELU(), nn.Linear(text.hidden_size, text.hidden_size)]
    return nn.Sequential(*layers)


class LlamaVidPreTrainedModel(PreTrainedModel):
    """What transformers has to know about both classes below."""

    config_class = LlamaVidConfig
    config: LlamaVidConfig
    base_model_prefix = "model"
    input_modalities = ("image", "video", "text")
    supports_gradient_checkpointing = True
    _no_split_modules = ["EvaBlock", "InstructBlipQFormerLayer", "LlamaDecoderLayer"]  # noqa: RUF012
    _skip_keys_device_placement = [CACHE_NAME]  # noqa: RUF012  (transformers makes a set of it)
    _supports_sdpa = True
    _supports_flash_attn = True

    def _init_weights(self, module: nn.Module) -> None:
        super()._init_weights(module)
        if isinstance(module, EvaVisionTower):
            nn.init.normal_(module.pos_embed, std=0.02)
            nn.init.normal_(module.cls_token, std=0.02)
        if isinstance(module, LlamaVidModel):
            nn.init.normal_(module.query_tokens, std=0.02)


class LlamaVidModel(LlamaVidPreTrainedModel):
    """Everything but the language head."""

    def __init__(self, config: LlamaVidConfig) -> None:
        super().__init__(config)
        vision: Any = config.vision_config
        qformer: Any = config.qformer_config
        self.vision_tower = EvaVisionTower(vision)
        self.vision_norm = nn.LayerNorm(vision.hidden_size, eps=1e-5)
        self.query_tokens = nn.Parameter(torch.zeros(1, config.num_query, qformer.hidden_size))
        self.qformer = InstructBlipQFormerModel(qformer)
        self.context_attention = ContextAttention(config)
        self.projector = make_projector(config)
        self.language_model = AutoModel.from_config(config.text_config)
        self.post_init()

    @property
    def _visual_weight(self) -> Tensor:
        return self.vision_norm.weight

    def encode_frames(self, pixel_values: Tensor) -> Tensor:
        """Features of frames; they do not depend on any question, so keep them for the next one.

        Args:
            pixel_values: ``(frames, 3, side, side)``.

        Returns:
            ``(frames, 1 + patches, vision dim)``, class token first.
        """
        blocks = pixel_values.split(self.config.frame_block)
        return torch.cat([self.vision_tower(block) for block in blocks])

    def without_class_token(self, features: Tensor) -> Tensor:
        """Patches alone, by the rule of the configuration: ``(frames, tokens, dim)`` to ``(frames, patches, dim)``."""
        drop = self.config.drop_class == "odd" and features.shape[1] % 2 == 1
        return features[:, 1:] if drop else features

    def token_count(self, features: Tensor) -> int:
        """Visual tokens that features ``(frames, tokens, vision dim)`` become, over all frames."""
        if features.ndim != 3:
            return 0
        kept = self.without_class_token(features[:1]).shape[1]
        compression = parse_compression(self.config.compress_type)
        content = kept if compression.kind == "none" else compression.content_tokens(int(kept**0.5))
        return len(features) * (1 + content)

    def read_questions(self, features: Tensor, question_ids: Tensor | None, question_mask: Tensor | None) -> Tensor:
        """What the query transformer makes of frames and questions.

        Args:
            features: ``(rows, tokens, vision dim)``, class token included where there is one.
            question_ids: ``(rows, ids)``; None for queries alone.
            question_mask: ``(rows, ids)``, non-zero on real ids.

        Returns:
            ``(rows, queries, query dim)``.
        """
        queries = self.query_tokens.expand(len(features), -1, -1)
        mask = None
        if question_ids is not None and question_mask is not None:
            seen = question_mask.new_ones(queries.shape[:2])
            mask = torch.cat([seen, question_mask], dim=1)
        states = self.qformer(
            input_ids=question_ids,
            attention_mask=mask,
            query_embeds=queries,
            encoder_hidden_states=self.vision_norm(features),
        )
        return states.last_hidden_state[:, : queries.shape[1]]

    def visual_tokens(
        self, features: Sequence[Tensor], questions: Sequence[Tensor], masks: Sequence[Tensor]
    ) -> list[Tensor]:
        """The visual tokens of samples, once per question.

        Frames and questions of all samples pass the query transformer together: at most ``frame_block`` frames are on
        the device and at most ``frame_block`` pairs of frame and question in one pass, however the batch is made up.

        Args:
            features: Per sample ``(frames, tokens, vision dim)``, one frame or more, on any device and in any floating
                point dtype (a memory map of half floats, for example).
            questions: Per sample ``(questions, ids)``; padded to any length.
            masks: Per sample ``(questions, ids)``.

        Returns:
            Per sample ``(questions, frames * tokens per frame, text dim)``: frame after frame, context token first.

        Raises:
            InputError: Features of another tower, or none.
        """
        weight = self._visual_weight
        for sample in features:
            if sample.ndim != 3 or len(sample) == 0 or sample.shape[-1] != weight.shape[0]:
                raise InputError(
                    Problem(
                        f"features of shape {tuple(sample.shape)}",
                        f"(frames, tokens, {weight.shape[0]}), one frame or more",
                        "extract them with this checkpoint's tower",
                    )
                )
        made: list[list[Tensor]] = [[] for _ in features]
        for block in frame_blocks(features, self.config.frame_block):
            frames = torch.cat(
                [features[part.sample][part.start : part.stop].to(weight.device, weight.dtype) for part in block]
            )
            context = self._context_tokens(frames, *paired_rows(block, questions, masks))  # (pairs, text dim)
            patches = self.without_class_token(frames)
            content = self.projector(pool_patches(patches, parse_compression(self.config.compress_type)))
            for part in block:
                count, asked = part.stop - part.start, len(questions[part.sample])
                own, context = context[: count * asked], context[count * asked :]
                shown, content = content[:count], content[count:]  # (frames, content, text dim)
                own = own.view(count, asked, 1, own.shape[-1])
                whole = torch.cat([own, shown[:, None].expand(-1, asked, -1, -1)], dim=2)
                made[part.sample].append(whole.transpose(0, 1))  # (questions, frames, 1 + content, text dim)
        return [torch.cat(pieces, dim=1).flatten(1, 2) for pieces in made]

    def _context_tokens(self, frames: Tensor, places: Tensor, ids: Tensor, mask: Tensor) -> Tensor:
        """What each question sees in its frame, ``(pairs, text dim)``; ``places`` names the frame of each pair."""
        patches = self.without_class_token(frames)
        limit = self.config.frame_block
        pieces = []
        for where, asked, seen in zip(places.split(limit), ids.split(limit), mask.split(limit), strict=True):
            where = where.to(frames.device)
            pieces.append(self.context_attention(self.read_questions(frames[where], asked, seen), patches[where]))
        return torch.cat(pieces)

    def forward(self, inputs_embeds: Tensor, **kwargs: Any) -> Any:
        """The decoder on spliced embeddings."""
        return self.language_model(inputs_embeds=inputs_embeds, **name_cache(kwargs))
