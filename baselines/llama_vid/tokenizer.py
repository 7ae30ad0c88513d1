"""The two tokenizers: the language model's, piece for piece as the released weights saw it, and the questions'.

The released weights were trained with the sentencepiece tokenizer of transformers 4.31. Today's one drops a piece where
a text starts with a space, as " ASSISTANT:" after a picture does, so this one asks sentencepiece itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from transformers import BertTokenizer
from transformers.tokenization_utils_sentencepiece import SentencePieceBackend

from vdc.errors import InputError, Problem

MARK = "\u2581"
"""How sentencepiece writes a space."""

QUESTION_LENGTH = 256
"""Longest question the query transformer reads, in ids; the beginning of a longer one is cut off."""

QUESTION_BOS = "[DEC]"
"""Added to BERT's vocabulary when the query transformer was trained; never used, but it has a row in the table."""


class LlamaVidTokenizer(SentencePieceBackend):
    """LLaMA's sentencepiece tokenizer with the spaces of transformers 4.31.

    Args:
        vocab_file: ``tokenizer.model``.
        legacy: True starts every stretch of text after a special token with a space mark; False only the first one.
        kwargs: As every tokenizer of transformers.
    """

    vocab_files_names = {"vocab_file": "tokenizer.model"}  # noqa: RUF012  (transformers reads a dictionary)
    model_input_names = ["input_ids", "attention_mask"]  # noqa: RUF012

    def __init__(self, vocab_file: str, legacy: bool = True, **kwargs: Any) -> None:
        for name, token in (("unk_token", "<unk>"), ("bos_token", "<s>"), ("eos_token", "</s>")):
            kwargs.setdefault(name, token)
        if kwargs.get("pad_token") is None:
            kwargs["pad_token"] = "<unk>"  # noqa: S105  (not a secret)
        kwargs["special_tokens_pattern"] = "bos"
        # The base class would change the sentencepiece model itself for legacy=False.
        super().__init__(vocab_file=vocab_file, legacy=True, **kwargs)
        self.legacy = self.init_kwargs["legacy"] = legacy

    def tokenize(self, text: str, **kwargs: Any) -> list[str]:
        """Text to pieces, special tokens in it recognised."""
        if not self.legacy:
            text = MARK + text.replace(MARK, " ")
        return super().tokenize(text, **kwargs)

    def _tokenize(self, text: str, **_: Any) -> list[str]:
        if self.legacy:
            return self.sp_model.encode(text, out_type=str)
        first = text.startswith(MARK)
        text = text.removeprefix(MARK)
        pieces: list[str] = self.sp_model.encode(text, out_type=str)
        if not first and pieces and not text.startswith(" ") and pieces[0].startswith(MARK):
            return ([pieces[0][1:]] if len(pieces[0]) > 1 else []) + pieces[1:]
        return pieces

    def convert_tokens_to_string(self, tokens: list[str]) -> str:
        """Pieces to text; bytes that were spelled out become characters again."""
        text: str = self.sp_model.decode_pieces(list(tokens))
        return text


def question_tokenizer(vocabulary: str | Path | Sequence[str]) -> BertTokenizer:
    """The query transformer's tokenizer: BERT's, lower case, cut on the left, one token more.

    Args:
        vocabulary: ``vocab.txt`` of bert-base-uncased, or its lines.

    Raises:
        InputError: No such file, or one without BERT's special tokens.
    """
    if isinstance(vocabulary, (str, Path)):
        try:
            words: Sequence[str] = Path(vocabulary).read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(
                Problem(
                    f"a vocabulary that cannot be read ({error})",
                    "vocab.txt of bert-base-uncased",
                    "check the path",
                    str(vocabulary),
                )
            ) from error
    else:
        words = vocabulary
    missing = {"[PAD]", "[UNK]", "[CLS]", "[SEP]"} - set(words)
    if missing:
        raise InputError(
            Problem(f"a vocabulary without {', '.join(sorted(missing))}", "vocab.txt of bert-base-uncased", "check it")
        )
    table = {word: number for number, word in enumerate(words)}
    tokenizer = BertTokenizer(vocab=table, do_lower_case=True, truncation_side="left")
    tokenizer.add_special_tokens({"bos_token": QUESTION_BOS})
    tokenizer.model_max_length = QUESTION_LENGTH
    return tokenizer


def encode_questions(tokenizer: Any, questions: Sequence[str]) -> tuple[list[list[int]], list[list[int]]]:
    """Ids and mask of questions, padded to the longest; both are lists of equal rows.

    Args:
        tokenizer: As :func:`question_tokenizer`.
        questions: One or more.
    """
    made = tokenizer(list(questions), padding="longest", truncation=True, max_length=QUESTION_LENGTH)
    return made["input_ids"], made["attention_mask"]
