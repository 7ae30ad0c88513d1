"""A model that this project did not write, made here at toy size, and checkpoints by Hub name from a local cache."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="torch is not installed (extra baselines)")
pytest.importorskip("transformers", reason="transformers is not installed (extra baselines)")

from baselines.captioning.checkpoints import find_checkpoint
from baselines.captioning.models import open_model
from baselines.captioning.types import ClipQuestions, ModelSettings, Turn
from tests.builders.made_videos import moving_square
from vdc.errors import InputError

COMMIT = "0123456789abcdef0123456789abcdef01234567"
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
    frames = moving_square(4, 3)
    [[first, second]] = model.answer([ClipQuestions(frames, ("What?", "And how?"))])
    assert first
    assert second
    assert "".join(model.stream(frames, [Turn("What?")])).strip() == first
    assert model.facts()["architecture"] == "LlavaForConditionalGeneration"


def test_a_ratio_is_refused_by_a_model_that_cannot_merge(llava: Path) -> None:
    with pytest.raises(InputError, match="--token-kept-ratio"):
        open_model(ModelSettings(str(llava), token_kept_ratio=0.5), device="cpu")


def test_a_model_without_vision_is_refused(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "llama", "architectures": ["LlamaForCausalLM"]}')
    with pytest.raises(InputError, match="cannot load as image-text-to-text"):
        open_model(ModelSettings(str(tmp_path)), device="cpu")


@pytest.mark.parametrize(
    ("content", "found"),
    [
        pytest.param(None, "without config.json", id="no configuration"),
        pytest.param("{", "not JSON", id="broken"),
        pytest.param("[]", "no object", id="another thing"),
    ],
)
def test_a_folder_that_is_no_checkpoint_says_so(tmp_path: Path, content: str | None, found: str) -> None:
    if content is not None:
        (tmp_path / "config.json").write_text(content)
    with pytest.raises(InputError, match=found):
        find_checkpoint(str(tmp_path))


def test_the_released_layout_in_a_folder_names_the_command_that_converts_it(released_toy: Path) -> None:
    with pytest.raises(InputError, match=r"baselines\.auroracap\.convert"):
        find_checkpoint(str(released_toy))


def test_a_missing_weight_file_is_named(toy_folder: Path, tmp_path: Path) -> None:
    shutil.copytree(toy_folder, tmp_path / "copy")
    (tmp_path / "copy" / "model.safetensors").unlink()
    with pytest.raises(InputError, match=r"model\.safetensors"):
        open_model(ModelSettings(str(tmp_path / "copy")), device="cpu")


def test_a_weight_file_that_breaks_off_is_refused(toy_folder: Path, tmp_path: Path) -> None:
    shutil.copytree(toy_folder, tmp_path / "copy")
    weights = tmp_path / "copy" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1000])
    with pytest.raises(InputError, match="cannot be read"):
        open_model(ModelSettings(str(tmp_path / "copy")), device="cpu")


@pytest.fixture
def offline_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The Hub's cache with nothing in it, and no way to the Hub."""
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    return tmp_path / "hub"


def put(cache: Path, name: str, folder: Path) -> None:
    root = cache / f"models--{name.replace('/', '--')}"
    shutil.copytree(folder, root / "snapshots" / COMMIT)
    (root / "refs").mkdir()
    (root / "refs" / "main").write_text(COMMIT)


def test_a_hub_model_is_known_by_its_commit(offline_cache: Path, toy_folder: Path) -> None:
    put(offline_cache, "lab/toy", toy_folder)
    found = find_checkpoint("lab/toy")
    assert (found.family, found.source, found.revision, found.sha256) == ("auroracap", "lab/toy", COMMIT, None)


def test_released_weights_by_hub_name_are_converted_once(
    offline_cache: Path, released_toy: Path, isolated_user: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(offline_cache, "lab/released", released_toy)
    found = find_checkpoint("lab/released")
    assert Path(found.source).is_relative_to(isolated_user / "models")
    assert (found.family, found.revision) == ("auroracap", COMMIT)
    frames = moving_square(4, 2)
    answers = open_model(ModelSettings("lab/released", max_new_tokens=4), device="cpu").answer(
        [ClipQuestions(frames, ("What?",))]
    )
    assert len(answers) == 1
    monkeypatch.setattr("baselines.auroracap.convert.convert", None)
    assert find_checkpoint("lab/released") == found


def test_a_hub_name_that_cannot_be_read_says_what_to_check(offline_cache: Path) -> None:
    del offline_cache
    with pytest.raises(InputError, match="neither a folder nor a model of the Hub"):
        find_checkpoint("lab/nothing")


def test_the_hash_of_a_folder_knows_its_weights_and_not_its_name(toy_folder: Path, tmp_path: Path) -> None:
    from baselines.captioning.record import hash_folder

    shutil.copytree(toy_folder, tmp_path / "copy")
    assert hash_folder(tmp_path / "copy") == hash_folder(toy_folder)
    config = json.loads((tmp_path / "copy" / "config.json").read_text())
    (tmp_path / "copy" / "config.json").write_text(json.dumps(config | {"token_kept_ratio": 0.3}))
    assert hash_folder(tmp_path / "copy") != hash_folder(toy_folder)
