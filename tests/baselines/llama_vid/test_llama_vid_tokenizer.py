"""Both tokenizers on tiny vocabularies that the tests make themselves."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="the baselines extra (torch) is not installed")
pytest.importorskip("transformers", reason="the baselines extra (transformers) is not installed")

spm = pytest.importorskip("sentencepiece", reason="the baselines extra (sentencepiece) is not installed")

from baselines.common.prompts import encode_with_placeholders, plain_encode
from baselines.llama_vid.tokenizer import LlamaVidTokenizer, encode_questions, question_tokenizer
from baselines.llama_vid.toy import TOY_WORDS
from vdc.errors import InputError


@pytest.fixture(scope="module")
def pieces(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = io.BytesIO()
    spm.SentencePieceTrainer.train(
        sentence_iterator=iter(
            ["USER: who is it? ASSISTANT: a dog sits here.", "the dog is here ASSISTANT: USER:"] * 5
        ),
        model_writer=made,
        vocab_size=300,
        model_type="bpe",
        byte_fallback=True,
        add_dummy_prefix=True,
        remove_extra_whitespaces=False,
        normalization_rule_name="identity",
        hard_vocab_limit=False,
        minloglevel=2,
    )
    path = tmp_path_factory.mktemp("pieces") / "tokenizer.model"
    path.write_bytes(made.getvalue())
    return path


def names(tokenizer: LlamaVidTokenizer, text: str) -> list[str]:
    return tokenizer.convert_ids_to_tokens(tokenizer(text)["input_ids"])


def test_a_text_that_starts_with_a_space_keeps_both_spaces(pieces: Path) -> None:
    """Today's LLaMA tokenizer drops one of them."""
    tokenizer = LlamaVidTokenizer(str(pieces))
    assert names(tokenizer, " ASSISTANT:")[:2] == ["<s>", "▁"]
    assert "".join(names(tokenizer, " ASSISTANT:")[1:]) == "▁▁ASSISTANT:"
    ids = encode_with_placeholders("who?\n<image> ASSISTANT:", plain_encode(tokenizer))
    place = ids.index(-200)
    assert ids[place + 1 :] == tokenizer(" ASSISTANT:")["input_ids"][1:]


@pytest.mark.parametrize(("legacy", "text"), [(True, "▁dog</s>▁USER"), (False, "▁dog</s>USER")], ids=["legacy", "new"])
def test_the_flag_decides_about_the_space_after_a_special_token(pieces: Path, legacy: bool, text: str) -> None:
    assert "".join(names(LlamaVidTokenizer(str(pieces), legacy=legacy), "dog</s>USER")[1:]) == text


@pytest.mark.parametrize("legacy", [True, False])
def test_saved_and_loaded_it_is_the_same(pieces: Path, tmp_path: Path, legacy: bool) -> None:
    tokenizer = LlamaVidTokenizer(str(pieces), legacy=legacy)
    tokenizer.save_pretrained(tmp_path)
    again = LlamaVidTokenizer.from_pretrained(tmp_path)
    text = "a dog</s>USER: who? é"
    assert again(text)["input_ids"] == tokenizer(text)["input_ids"]
    assert again.pad_token_id == again.unk_token_id == 0


def test_decoding_gives_the_text_back(pieces: Path) -> None:
    tokenizer = LlamaVidTokenizer(str(pieces))
    assert tokenizer.decode(tokenizer("the dog is hére")["input_ids"], skip_special_tokens=True) == "the dog is hére"


def test_long_questions_lose_their_beginning() -> None:
    tokenizer = question_tokenizer(TOY_WORDS)
    ids, mask = encode_questions(tokenizer, ["a " * 400 + "z", "b"])
    assert len(ids[0]) == 256
    assert ids[0][0] == TOY_WORDS.index("[CLS]")
    assert ids[0][-2] == TOY_WORDS.index("z")
    assert sum(mask[1]) == 3


def test_the_added_token_is_the_last_row() -> None:
    tokenizer = question_tokenizer(TOY_WORDS)
    assert tokenizer.bos_token_id == len(TOY_WORDS)
    assert len(tokenizer) == len(TOY_WORDS) + 1


def test_a_vocabulary_without_special_tokens_is_refused(tmp_path: Path) -> None:
    (tmp_path / "vocab.txt").write_text("a\nb\n")
    with pytest.raises(InputError, match=r"\[CLS\]"):
        question_tokenizer(tmp_path / "vocab.txt")
    with pytest.raises(InputError, match="check the path"):
        question_tokenizer(tmp_path / "none.txt")
