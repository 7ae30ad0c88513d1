"""A model that this project did not write, made here at toy size."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("torch", reason="torch is not installed (extra baselines)")
pytest.importorskip("transformers", reason="transformers is not installed (extra baselines)")

from baselines.captioning.checkpoints import find_checkpoint
from baselines.captioning.models import open_model
from baselines.captioning.types import ClipQuestions, Footage, ModelSettings, Turn
from tests.builders.made_videos import moving_square
from vdc.errors import InputError

TEMPLATE = (
    "{% for m in messages %}{% for part in m['content'] %}{% if part['type'] == 'image' %}<image>{% else %}"
    "{{ part['text'] }}{% endif %}{% endfor %} {% endfor %}"
)


@pytest.fixture(scope="module")
def llava(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from transformers import CLIPVisionConfig, LlamaConfig, LlavaConfig, LlavaForConditionalGeneration, LlavaProcessor
    from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

    from baselines.common.byte_tokenizer import make_byte_tokenizer

    folder = tmp_path_factory.mktemp("llava")
    tokenizer = make_byte_tokenizer()
    tokenizer.add_tokens(["<image>"], special_tokens=True)
    sizes = {"hidden_size": 32, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
    config = LlavaConfig(
        vision_config=CLIPVisionConfig(**sizes, image_size=28, patch_size=14).to_dict(),
        text_config=LlamaConfig(**sizes, vocab_size=320, eos_token_id=2, bos_token_id=1, pad_token_id=0).to_dict(),
        image_token_index=tokenizer.convert_tokens_to_ids("<image>"),
    )
    model = LlavaForConditionalGeneration(config)
    model.generation_config.suppress_tokens = [*range(2), *range(3, 35), *range(130, 320)]
    model.save_pretrained(folder)
    image_processor = CLIPImageProcessorPil(
        size={"shortest_edge": 28}, crop_size={"height": 28, "width": 28}, do_center_crop=True
    )
    processor = LlavaProcessor(
        image_processor,
        tokenizer,
        patch_size=14,
        vision_feature_select_strategy="default",
        chat_template=TEMPLATE,
        num_additional_image_tokens=1,
    )
    processor.save_pretrained(folder)
    return folder


def test_a_model_of_somebody_else_answers_and_streams(llava: Path) -> None:
    assert find_checkpoint(str(llava)).family == "hub"
    model = open_model(ModelSettings(str(llava), max_new_tokens=6), device="cpu")
    shown = Footage(moving_square(4, 3))
    [[first, second]] = model.answer([ClipQuestions(shown, ("What?", "And how?"))])
    assert first
    assert second
    assert "".join(model.stream(shown, [Turn("What?")])).strip() == first
    assert model.facts()["architecture"] == "LlavaForConditionalGeneration"


def test_a_ratio_is_refused_by_a_model_that_cannot_merge(llava: Path) -> None:
    with pytest.raises(InputError, match="--token-kept-ratio"):
        open_model(ModelSettings(str(llava), token_kept_ratio=0.5), device="cpu")


def test_a_model_without_vision_is_refused(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "llama", "architectures": ["LlamaForCausalLM"]}')
    with pytest.raises(InputError, match="cannot load as image-text-to-text"):
        open_model(ModelSettings(str(tmp_path)), device="cpu")
