"""What the processors of all models share: exact pixels, exact ids, and ids back to text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from transformers import ProcessorMixin
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

from baselines.common.constants import IMAGE_PLACEHOLDER
from baselines.common.images import ImageSpec
from baselines.common.prompts import IMAGE_MARK, Encode, encode_with_placeholders, plain_encode
from baselines.common.splice import PaddingSide
from baselines.common.visual_inputs import pad_ids
from vdc.errors import InputError, Problem


class ExactImageProcessor(CLIPImageProcessorPil):
    """CLIP's image processor on PIL, whether or not torchvision is installed: another resize gives other captions."""

    @property
    def spec(self) -> ImageSpec:
        """The part of the settings that our own pixel code uses.

        Raises:
            InputError: Settings that are not those of a CLIP tower.
        """
        size = dict(self.size or {})
        crop = dict(self.crop_size or {})
        side = size.get("shortest_edge")
        steps = (self.do_resize, self.do_center_crop, self.do_rescale, self.do_normalize)
        if not side or crop.get("height") != side or crop.get("width") != side or not all(steps) or self.resample != 3:
            raise InputError(
                Problem(
                    f"image settings size {size}, crop {crop}, resample {self.resample}",
                    "a square crop at the size of the shortest edge, bicubic, rescaled and normalised",
                    "use the preprocessor_config.json of the checkpoint",
                )
            )
        red, green, blue = (float(value) for value in self.image_mean)
        deviations = [float(value) for value in self.image_std]
        return ImageSpec(size=int(side), mean=(red, green, blue), std=(deviations[0], deviations[1], deviations[2]))


class VisualProcessor(ProcessorMixin):
    """A tokenizer and an :class:`ExactImageProcessor`; ids may hold placeholders that no tokenizer knows."""

    image_token = IMAGE_MARK

    @classmethod
    def get_attributes(cls) -> list[str]:
        """The parts that are saved and loaded with the processor."""
        return ["image_processor", "tokenizer"]

    @property
    def encode(self) -> Encode:
        """Text to ids as the released weights saw them."""
        return plain_encode(self.tokenizer)

    def encode_prompts(
        self, prompts: Sequence[str], *, padding_side: PaddingSide, add_special_tokens: bool = True
    ) -> dict[str, torch.Tensor]:
        """Prompts with picture marks to ``input_ids`` and ``attention_mask``, both ``(batch, ids)``.

        Args:
            prompts: One or more.
            padding_side: Side on which short ones are filled.
            add_special_tokens: Start each with bos.
        """
        encode = self.encode
        ids = [encode_with_placeholders(prompt, encode, special_tokens=add_special_tokens) for prompt in prompts]
        return pad_ids(ids, self.tokenizer.pad_token_id or 0, padding_side)

    def decode(self, token_ids: Any, **kwargs: Any) -> Any:
        """Text of ids; placeholders, which no tokenizer knows, are left out."""
        rows = token_ids.tolist() if hasattr(token_ids, "tolist") else list(token_ids)
        if rows and isinstance(rows[0], list):
            return [self.decode(row, **kwargs) for row in rows]
        return self.tokenizer.decode([token for token in rows if token != IMAGE_PLACEHOLDER], **kwargs)

    def batch_decode(self, sequences: Any, **kwargs: Any) -> list[str]:
        """Texts of several rows of ids."""
        return [self.decode(row, **kwargs) for row in sequences]

    def post_process_image_text_to_text(
        self, generated_outputs: Any, skip_special_tokens: bool = True, **kwargs: Any
    ) -> list[str]:
        """Texts of what ``generate`` returned."""
        return self.batch_decode(generated_outputs, skip_special_tokens=skip_special_tokens, **kwargs)
