"""What holds for every model of this project: AuroraCap, LLaMA-VID and LLaVolta at toy size."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

torch = pytest.importorskip("torch", reason="torch is not installed (extra baselines)")
pytest.importorskip("transformers", reason="transformers is not installed (extra baselines)")

from baselines.captioning.checkpoints import find_checkpoint
from baselines.captioning.clips import read_media
from baselines.captioning.hub_model import HubCaptioner
from baselines.captioning.models import open_model
from baselines.captioning.own_captioner import OwnCaptioner
from baselines.captioning.types import ClipQuestions, Footage, ModelSettings, Turn
from baselines.common.positions import context_length
from baselines.llama_vid.features import Film
from tests.baselines.captioning.toy_families import Toy
from tests.builders.made_videos import moving_square
from vdc.errors import InputError, MissingExtra

QUESTIONS = ("What is it?", "And how is it filmed, from beginning to end?")


def captioner(toy: Toy, **changes: Any) -> OwnCaptioner:
    model = open_model(ModelSettings(str(toy.native), max_new_tokens=8, **changes), device="cpu")
    assert isinstance(model, OwnCaptioner)
    return model


@pytest.fixture(scope="module")
def clips() -> tuple[ClipQuestions, ...]:
    """Clips of different length and size, with different numbers of questions; one is a single frame."""
    return (
        ClipQuestions(Footage(moving_square(5, 4)), QUESTIONS),
        ClipQuestions(Footage(moving_square(6, 2, size=(48, 64))), QUESTIONS[:1]),
        ClipQuestions(Footage(moving_square(7, 1)), (*QUESTIONS, "Where?")),
    )


def test_clips_of_different_length_get_together_what_each_gets_alone(
    any_toy: Toy, clips: tuple[ClipQuestions, ...]
) -> None:
    model = captioner(any_toy)
    together = model.answer(clips)
    alone = [[model.answer([ClipQuestions(clip.media, (text,))])[0][0] for text in clip.questions] for clip in clips]
    assert together == alone
    assert len({text for texts in together for text in texts}) > 3


def test_answers_that_do_not_fit_into_memory_together_are_made_apart(
    any_toy: Toy, clips: tuple[ClipQuestions, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    model = captioner(any_toy)
    whole = model.answer(clips)
    generate = OwnCaptioner._generate
    sizes: list[int] = []

    def small(self: OwnCaptioner, spliced: Any, **options: Any) -> Any:
        sizes.append(len(spliced.inputs_embeds))
        if sizes[-1] > 2:
            raise torch.OutOfMemoryError("full")
        return generate(self, spliced, **options)

    monkeypatch.setattr(OwnCaptioner, "_generate", small)
    assert model.answer(clips) == whole
    assert sizes == [6, 3, 1, 2, 3, 1, 2]


def test_one_answer_that_does_not_fit_into_memory_fails(any_toy: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    model = captioner(any_toy)

    def full(*_: Any, **__: Any) -> None:
        raise torch.OutOfMemoryError("full")

    monkeypatch.setattr(OwnCaptioner, "_generate", full)
    with pytest.raises(torch.OutOfMemoryError):
        model.answer([ClipQuestions(Footage(moving_square(1, 1)), ("What?",))])


def count_tower(model: OwnCaptioner, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Frames of every call of the tower, in a list that grows."""
    frames: list[int] = []
    encode = model._own.encode

    def counted(pixels: Any) -> Any:
        frames.append(len(pixels))
        return encode(pixels)

    monkeypatch.setattr(model._own, "encode", counted)
    return frames


def test_the_tower_runs_once_per_clip_however_many_questions(
    any_toy: Toy, clips: tuple[ClipQuestions, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    model = captioner(any_toy)
    frames = count_tower(model, monkeypatch)
    model.answer(clips)
    assert frames == [4, 2, 1]
    # the same pictures again, read anew: several turns of a chat, or the next question on the page
    again = Footage(moving_square(5, 4))
    first = "".join(model.stream(again, [Turn("What?")]))
    "".join(model.stream(Footage(moving_square(5, 4)), [Turn("What?", first), Turn("Sure?")]))
    assert frames == [4, 2, 1]


def test_long_clips_pass_the_tower_in_parts(any_toy: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    model = captioner(any_toy)
    [[whole]] = model.answer([ClipQuestions(Footage(moving_square(5, 7)), ("What?",))])
    monkeypatch.setattr("baselines.captioning.own_captioner.ENCODED_TOGETHER", 3)
    other = captioner(any_toy)
    frames = count_tower(other, monkeypatch)
    assert other.answer([ClipQuestions(Footage(moving_square(5, 7)), ("What?",))]) == [[whole]]
    assert frames == [3, 3, 1]


def test_a_conversation_streams_what_a_question_alone_answers(any_toy: Toy, clips: tuple[ClipQuestions, ...]) -> None:
    model = captioner(any_toy)
    pieces = list(model.stream(clips[0].media, [Turn(QUESTIONS[0])]))
    assert "".join(pieces).strip() == model.answer(clips)[0][0]


def test_earlier_turns_are_part_of_the_question(any_toy: Toy, clips: tuple[ClipQuestions, ...]) -> None:
    model = captioner(any_toy)
    media = clips[0].media
    alone = "".join(model.stream(media, [Turn(QUESTIONS[1])]))
    later = "".join(model.stream(media, [Turn(QUESTIONS[0], "A square."), Turn(QUESTIONS[1])]))
    assert alone != later


def test_marks_in_questions_claim_no_picture(any_toy: Toy, clips: tuple[ClipQuestions, ...]) -> None:
    model = captioner(any_toy)
    media = clips[0].media
    plain = "".join(model.stream(media, [Turn("What?", "A square."), Turn("Sure?")]))
    marked = "".join(model.stream(media, [Turn("<image>What?", "A <image>square."), Turn("Sure<image>?")]))
    assert marked == plain


def test_a_fault_while_streaming_reaches_the_caller(any_toy: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    model = captioner(any_toy)
    monkeypatch.setattr(OwnCaptioner, "_generate", None)
    with pytest.raises(TypeError):
        list(model.stream(Footage(moving_square(1, 2)), [Turn("What?")]))


def test_frames_read_through_the_models_view_give_the_same_answer(any_toy: Toy, videos: Path) -> None:
    model = captioner(any_toy, frames=3)
    read = read_media(videos / "a.mp4", model.view)
    assert isinstance(read, Footage)
    prepared: NDArray[np.float32] = np.asarray(read.frames[0])
    assert prepared.dtype == np.float32
    raw = read_media(videos / "a.mp4", type(model.view)(model.view.rule))
    asked = [ClipQuestions(media, ("What?",)) for media in (read, raw)]
    one, other = model.answer(asked)
    assert one == other


def test_a_prompt_longer_than_the_model_can_see_is_refused(any_toy: Toy) -> None:
    model = captioner(any_toy, frames=600)
    reason = r"positions and room for an answer of 8; expected at most [0-9,]+, as many as this model was trained for"
    with pytest.raises(InputError, match=reason):
        model.answer([ClipQuestions(Footage(moving_square(1, 2) * 300), ("What?",))])


def test_a_prompt_that_leaves_no_room_for_the_answer_is_refused(
    toys: dict[str, Toy], monkeypatch: pytest.MonkeyPatch
) -> None:
    clip = [ClipQuestions(Footage(moving_square(1, 2)), ("What?",))]
    with pytest.raises(InputError, match="a prompt of") as refused:
        monkeypatch.setattr("baselines.captioning.own_captioner.context_length", lambda config: 1)
        captioner(toys["llavolta"], frames=2).answer(clip)
    length = int(str(refused.value).split("a prompt of ")[1].split()[0].replace(",", ""))
    monkeypatch.setattr("baselines.captioning.own_captioner.context_length", lambda config: length + 7)
    with pytest.raises(InputError, match="room for an answer of 8"):
        captioner(toys["llavolta"], frames=2).answer(clip)
    monkeypatch.setattr("baselines.captioning.own_captioner.context_length", lambda config: length + 8)
    assert len(captioner(toys["llavolta"], frames=2).answer(clip)[0]) == 1


@pytest.mark.parametrize(
    ("family", "positions", "words"),
    [
        ("llavolta", 4096, "8 frames (uniform)"),
        # five of 16 tokens beside 256 positions for text and 8 for the answer
        ("llavolta", 264 + 5 * 16 + 15, "5 frames (uniform)"),
        ("llama_vid", 264 + 100, "1 frame a second, at most 50"),
        ("llama_vid", 100, "1 frame a second, at most 1"),
    ],
)
def test_no_more_frames_are_taken_than_there_is_room_for_unless_the_user_says(
    toys: dict[str, Toy], family: str, positions: int, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("baselines.captioning.own_captioner.context_length", lambda config: positions)
    assert captioner(toys[family]).facts()["frame_rule"] == words
    assert str(captioner(toys[family], frames=30).view.rule) == "30 frames (uniform)"


def test_positions_are_counted_as_they_are_stretched(toys: dict[str, Toy]) -> None:
    stretched, plain = (captioner(toys[family])._own.model.config.text_config for family in ("auroracap", "llama_vid"))
    assert (context_length(stretched), context_length(plain)) == (4 * 512, 512)


def test_facts_name_family_frames_and_dtype(any_toy: Toy) -> None:
    facts = captioner(any_toy).facts()
    assert facts["kind"] == any_toy.family
    assert facts["dtype"] == "float32"
    assert facts["visual_layout"] in ("a block per frame", "a block per clip")
    assert facts["frame_rule"]


def test_another_dtype_is_followed(any_toy: Toy) -> None:
    assert captioner(any_toy, dtype="bfloat16").facts()["dtype"] == "bfloat16"


@pytest.mark.parametrize("bits", ["4bit", "8bit"])
def test_fewer_bits_name_the_extra_that_is_missing(any_toy: Toy, bits: str) -> None:
    from importlib.util import find_spec

    if find_spec("bitsandbytes") is not None:
        pytest.skip("bitsandbytes is installed: its absence cannot be tried")
    with pytest.raises(MissingExtra, match=rf"{bits[0]} bits.*quantization"):
        captioner(any_toy, quantize=bits)


def test_no_frames_are_refused() -> None:
    with pytest.raises(InputError, match="no frames"):
        Footage([])


@pytest.mark.parametrize("family", ["auroracap", "llavolta"])
def test_stored_features_are_for_llama_vid_alone(toys: dict[str, Toy], family: str) -> None:
    film = Film(np.zeros((2, 17, 32), np.float16), "<image><image>")
    with pytest.raises(InputError, match="only LLaMA-VID reads features"):
        captioner(toys[family]).answer([ClipQuestions(film, ("What?",))])


@pytest.mark.parametrize(
    ("family", "change", "found"),
    [
        ("llama_vid", {"token_kept_ratio": 0.5}, "--token-kept-ratio 0.5 with LLaMA-VID"),
        ("llama_vid", {"compressor": "2,8"}, "--compressor 2,8 with LLaMA-VID"),
        ("llavolta", {"token_kept_ratio": 0.5}, "--token-kept-ratio 0.5 with LLaVolta"),
        ("auroracap", {"compressor": "2,8"}, "--compressor 2,8 with AuroraCap"),
    ],
)
def test_options_of_another_family_are_refused(
    toys: dict[str, Toy], family: str, change: dict[str, Any], found: str
) -> None:
    with pytest.raises(InputError, match=found):
        captioner(toys[family], **change)


@pytest.mark.parametrize("family", ["auroracap", "llavolta"])
def test_the_pipeline_of_transformers_says_the_same(
    toys: dict[str, Toy], family: str, clips: tuple[ClipQuestions, ...]
) -> None:
    # both are models that the pipeline can run, so both roads must agree
    folder = str(toys[family].native)
    hub = HubCaptioner(find_checkpoint(folder), ModelSettings(folder, max_new_tokens=8), "cpu")
    ours = captioner(toys[family])
    assert hub.answer(clips) == ours.answer(clips)
    streamed = "".join(hub.stream(clips[0].media, [Turn(QUESTIONS[0])])).strip()
    assert streamed == ours.answer(clips)[0][0]
