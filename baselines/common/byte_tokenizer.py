"""A tokenizer without a vocabulary file: one id per byte of UTF-8. For toy models, tests and demos."""

from __future__ import annotations

from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
from transformers import PreTrainedTokenizerFast

BOS, EOS, PAD = 1, 2, 0
FIRST_BYTE = 3


def make_byte_tokenizer() -> PreTrainedTokenizerFast:
    """Ids are ``3 + byte``; 0 is pad (and unknown), 1 bos, 2 eos; encoding with special tokens puts bos in front."""
    alphabet = [f"<0x{byte:02X}>" for byte in range(256)]
    vocabulary = {"<unk>": PAD, "<s>": BOS, "</s>": EOS} | {
        token: FIRST_BYTE + byte for byte, token in enumerate(alphabet)
    }
    # With no merges and no other entries every character falls back to its bytes.
    special = {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>", "pad_token": "<unk>"}
    model = models.BPE(vocab=vocabulary, merges=[], unk_token=special["unk_token"], byte_fallback=True)
    raw = Tokenizer(model)
    raw.normalizer = normalizers.Sequence([])
    raw.pre_tokenizer = pre_tokenizers.Sequence([])
    raw.decoder = decoders.Sequence([decoders.ByteFallback(), decoders.Fuse()])
    raw.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", BOS)])
    return PreTrainedTokenizerFast(tokenizer_object=raw, padding_side="left", **special)
