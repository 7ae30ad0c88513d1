"""What each model of this project does in its own way, against its own ``generate``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed (extra baselines)")
pytest.importorskip("transformers", reason="transformers is not installed (extra baselines)")
Image = pytest.importorskip("PIL.Image", reason="Pillow is not installed (extra baselines)")

from baselines.captioning.llama_vid_model import after_earlier_turns
from baselines.captioning.llavolta_model import parse_compressor
from baselines.captioning.models import open_model
from baselines.captioning.own_captioner import OwnCaptioner
from baselines.captioning.types import ClipQuestions, Footage, ModelSettings, Turn
from baselines.llama_vid.features import Film
from baselines.llama_vid.prompts import ask
from baselines.llavolta.setting import NO_COMPRESSION, Compression
from tests.baselines.captioning.toy_families import Toy
from tests.builders.made_videos import moving_square
from vdc.errors import InputError

QUESTIONS = ("What is it?", "And how is it filmed, from beginning to end?")
GREEDY = {"max_new_tokens": 8, "do_sample": False}


def captioner(toy: Toy, **changes: Any) -> OwnCaptioner:
    model = open_model(ModelSettings(str(toy.native), max_new_tokens=8, **changes), device="cpu")
    assert isinstance(model, OwnCaptioner)
    return model


def new_text(processor: Any, inputs: Any, made: Any) -> str:
    return str(processor.decode(made[0, inputs["input_ids"].shape[1] :], skip_special_tokens=True)).strip()


@pytest.fixture(scope="module")
def clips() -> tuple[ClipQuestions, ...]:
    return tuple(
        ClipQuestions(Footage(frames), QUESTIONS)
        for frames in (moving_square(5, 4), moving_square(6, 2, size=(48, 64)))
    )


@pytest.mark.parametrize("ratio", [1.0, 0.5])
def test_auroracap_answers_as_its_own_generate(
    toys: dict[str, Toy], clips: tuple[ClipQuestions, ...], ratio: float
) -> None:
    from baselines.auroracap.load import load_model, load_processor

    folder = toys["auroracap"].native
    model, processor = load_model(folder), load_processor(folder)
    expected = []
    for clip in clips:
        frames = list(clip.media.frames)  # type: ignore[union-attr]
        texts = []
        for question in clip.questions:
            inputs = processor(text=processor.prompt(question, len(frames)), images=frames)
            texts.append(new_text(processor, inputs, model.generate(**inputs, token_kept_ratio=ratio, **GREEDY)))
        expected.append(texts)
    assert captioner(toys["auroracap"], token_kept_ratio=ratio).answer(clips) == expected
    assert expected[0] != expected[1]


def test_auroracaps_ratio_changes_what_is_said_and_is_in_the_facts(
    toys: dict[str, Toy], clips: tuple[ClipQuestions, ...]
) -> None:
    toy = toys["auroracap"]
    whole, merged = captioner(toy, token_kept_ratio=1.0), captioner(toy, token_kept_ratio=0.1)
    assert whole.answer(clips) != merged.answer(clips)
    assert whole.facts()["visual_tokens_per_frame"] == 16
    assert merged.facts()["visual_tokens_per_frame"] < 16
    assert captioner(toy).facts()["token_kept_ratio"] == 0.2


def llama_vid_parts(toys: dict[str, Toy]) -> tuple[Any, Any]:
    from baselines.llama_vid.load import load_model, load_processor

    return load_model(toys["llama_vid"].native), load_processor(toys["llama_vid"].native)


def test_llama_vid_answers_as_its_own_generate(toys: dict[str, Toy], clips: tuple[ClipQuestions, ...]) -> None:
    model, processor = llama_vid_parts(toys)
    expected = []
    for clip in clips:
        texts = []
        for question in clip.questions:
            inputs = processor(text=question, videos=[list(clip.media.frames)])  # type: ignore[union-attr]
            texts.append(new_text(processor, inputs, model.generate(**inputs, **GREEDY)))
        expected.append(texts)
    assert captioner(toys["llama_vid"]).answer(clips) == expected
    assert len({text for texts in expected for text in texts}) == 4


def test_llama_vid_pads_a_picture_and_crops_a_frame(toys: dict[str, Toy]) -> None:
    model, processor = llama_vid_parts(toys)
    wide = Image.fromarray(np.tile(np.arange(120, dtype=np.uint8)[None, :, None], (40, 1, 3)) * 2)
    ours = captioner(toys["llama_vid"])
    padded = processor(text="What?", images=wide)
    cropped = processor(text="What?", videos=[[wide]])
    for still, inputs in ((True, padded), (False, cropped)):
        expected = new_text(processor, inputs, model.generate(**inputs, **GREEDY))
        assert ours.answer([ClipQuestions(Footage([wide], still=still), ("What?",))]) == [[expected]]
        assert torch.equal(
            ours._features(Footage([wide], still=still))[0], ours._own.encode(inputs["pixel_values"][0])[0]
        )
    assert not torch.equal(padded["pixel_values"], cropped["pixel_values"])


@pytest.fixture(scope="module")
def film(toys: dict[str, Toy]) -> Film:
    model, _ = llama_vid_parts(toys)
    pixels = torch.rand(3, 3, 56, 56, generator=torch.Generator().manual_seed(0))
    features = model.model.encode_frames(pixels).to(torch.float16).numpy()
    return Film(features, "<image>Hello.<image><image>Good bye.")


def test_llama_vid_reads_a_film_token_by_token_between_its_subtitles(toys: dict[str, Toy], film: Film) -> None:
    model, processor = llama_vid_parts(toys)
    inputs = processor.film("Who?", film.inputs, film.tensor())
    expected = new_text(processor, inputs, model.generate(**inputs, **GREEDY))
    ours = captioner(toys["llama_vid"])
    assert ours.answer([ClipQuestions(film, ("Who?", "Where?"))])[0][0] == expected
    assert "".join(ours.stream(film, [Turn("Who?")])).strip() == expected


def test_films_and_clips_share_a_batch(toys: dict[str, Toy], film: Film, clips: tuple[ClipQuestions, ...]) -> None:
    ours = captioner(toys["llama_vid"])
    mixed = [clips[0], ClipQuestions(film, ("Who?",)), clips[1]]
    assert ours.answer(mixed) == [ours.answer([clip])[0] for clip in mixed]


def test_llama_vids_picture_stands_with_the_question_that_is_asked() -> None:
    alone = ask("And now?", pictures=True)
    later = after_earlier_turns(alone, [Turn("What <image>is it?", "A square.</s>")])
    opening = alone.partition("USER:")[0]
    assert later == f"{opening}USER: What is it? ASSISTANT: A square.</s>USER: <image>\nAnd now? ASSISTANT:"
    assert after_earlier_turns(alone, []) == alone


def test_llama_vid_without_its_question_vocabulary_says_how_to_convert(toys: dict[str, Toy], tmp_path: Path) -> None:
    from baselines.llama_vid.convert import convert

    convert(toys["llama_vid"].released, tmp_path / "n")
    with pytest.raises(InputError, match="--bert-vocabulary"):
        open_model(ModelSettings(str(tmp_path / "n")), device="cpu")


def test_llama_vids_facts_say_what_a_frame_costs(toys: dict[str, Toy]) -> None:
    facts = captioner(toys["llama_vid"]).facts()
    assert (facts["visual_tokens_per_frame"], facts["compress_type"]) == (2, "mean")
    assert (facts["visual_layout"], facts["frame_rule"]) == ("a block per clip", "1 frame a second, at most 124")


COMPRESSORS = ["none", "2,4", "-1,4", "0,4", "kmeans:1,4", "random:1,2", "attention:2,4"]


@pytest.mark.parametrize("words", COMPRESSORS)
def test_llavolta_answers_as_its_own_generate(
    toys: dict[str, Toy], clips: tuple[ClipQuestions, ...], words: str
) -> None:
    from baselines.llavolta.load import load_model, load_processor

    folder = toys["llavolta"].native
    model, processor = load_model(folder), load_processor(folder)
    expected = []
    for clip in clips:
        frames = list(clip.media.frames)  # type: ignore[union-attr]
        texts = []
        for question in clip.questions:
            inputs = processor(text=processor.prompt(question, len(frames)), images=frames)
            made = model.generate(**inputs, compression=parse_compressor(words), **GREEDY)
            texts.append(new_text(processor, inputs, made))
        expected.append(texts)
    assert captioner(toys["llavolta"], compressor=words).answer(clips) == expected


def test_llavoltas_compressor_changes_what_is_said_and_is_in_the_facts(
    toys: dict[str, Toy], clips: tuple[ClipQuestions, ...]
) -> None:
    toy = toys["llavolta"]
    plain, short = captioner(toy), captioner(toy, compressor="2,8")
    assert plain.answer(clips) != short.answer(clips)
    assert plain.facts()["compressor"]["grouping"] == "none"
    facts = short.facts()
    assert facts["compressor"] == {"grouping": "avgpool1d", "layer": 2, "stride": 8}
    # four layers: 16 tokens in two of them, 2 in the others
    assert (facts["visual_tokens_per_frame"], facts["visual_tokens_per_frame_mean_over_layers"]) == (16, 9.0)
    assert captioner(toy, compressor="-1,8").facts()["visual_tokens_per_frame"] == 2


def test_llavoltas_own_setting_is_used_where_none_is_given(tmp_path: Path) -> None:
    from baselines.llavolta.convert import convert
    from baselines.llavolta.toy import toy_config, write_toy_release

    config = toy_config(compression=Compression(1, 4))
    released = write_toy_release(tmp_path / "r", config=config)
    native = convert(released, tmp_path / "n")
    facts = captioner(Toy("llavolta", released, native)).facts()
    assert facts["compressor"] == {"grouping": "avgpool1d", "layer": 1, "stride": 4}


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("none", NO_COMPRESSION),
        ("2,8", Compression(2, 8)),
        ("-1,2", Compression(-1, 2)),
        ("kmeans:16,8", Compression(16, 8, "kmeans")),
    ],
)
def test_compressors_are_read_from_words(words: str, expected: Compression) -> None:
    assert parse_compressor(words) == expected


@pytest.mark.parametrize("words", ["", "2", "2,8,1", "2;8", "a,b", "cleverest:2,8", "2,0", "-2,8", " none"])
def test_other_words_are_no_compressor(words: str) -> None:
    with pytest.raises(InputError):
        parse_compressor(words)


def test_a_compressor_with_weights_needs_a_checkpoint_that_has_them(toys: dict[str, Toy]) -> None:
    with pytest.raises(InputError, match="without its weights"):
        captioner(toys["llavolta"], compressor="learned1d:2,8")
