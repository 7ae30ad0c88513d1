"""All checks of LLaMA-VID over one golden folder."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from baselines.parity.checker import Checker
from baselines.parity.golden import GoldenFolder
from baselines.parity.llama_vid.checkpoints import check_probes, check_qformer_mapping, check_weights
from baselines.parity.llama_vid.context import ENTRY_FIELDS, PIECES, SETTINGS, WEIGHTS, WORDS, Context
from baselines.parity.llama_vid.full import check_full
from baselines.parity.llama_vid.text import (
    check_conversation,
    check_frames,
    check_pixels,
    check_preprocess,
    check_subtitles,
)
from baselines.parity.llama_vid.tokens import check_context_attention, check_long
from baselines.parity.llama_vid.vision import check_query_transformer, check_question_tokenizer, check_tower
from baselines.parity.report import ParityReport

Check = Callable[[Context, str], None]

CHECKS: tuple[tuple[re.Pattern[str], Check], ...] = tuple(
    (re.compile(pattern), check)
    for pattern, check in (
        (r"model.*\.safetensors", check_weights),
        (r"eva_vit.*\.safetensors", check_tower),
        (r"qformer.*\.safetensors", check_query_transformer),
        (r"context_attention_long.*\.safetensors", check_long),
        (r"context_attention.*\.safetensors", check_context_attention),
        (r"(splice|train_batch|long_video).*\.safetensors", check_full),
        (r"image_preprocess.*\.safetensors", check_pixels),
        (r"preprocess.*\.json", check_preprocess),
        (r"conversation.*\.json", check_conversation),
        (r"frame_sampling.*\.json", check_frames),
        (r"subtitles.*\.json", check_subtitles),
    )
)
"""File name -> check, the first that fits."""

ELSEWHERE: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), reason)
    for pattern, reason in (
        (r"length_grouping.*\.json", "batches are grouped by the trainer's sampler, not by the model"),
        (r"eval_scoring.*\.json", "image benchmarks are scored by lmms-eval, not by the model"),
    )
)
"""Files about parts that are not the model's, with the reason."""

JUDGED = "how a judge's replies are added up is scoring's part, and open-ended video questions are not scored there yet"

_MANIFEST = frozenset(
    [
        "set",
        "reference",
        "seed",
        "notes",
        "files",
        "adapter_keys",
        "adapter_excludes_buffers",
        "pretrain_qformer_mapping",
        "bert_tokenizer_call",
        "probes_of_reference_behaviour",
        "verification",
        "tensor_prefix",
    ]
)


def check(folder: Path) -> ParityReport:
    """Every check the folder allows.

    Raises:
        InputError: No manifest.
    """
    golden = GoldenFolder(folder)
    checker = Checker(golden)
    context = Context(golden, checker)
    checker.fields(golden.manifest_name, "", golden.manifest, _MANIFEST)
    for file in golden.files:
        with checker.guarded(file, "file"):
            checker.integrity(file)
    for file in golden.files:
        reason = next((reason for pattern, reason in ELSEWHERE if pattern.fullmatch(file)), None)
        found = next((check for pattern, check in CHECKS if pattern.fullmatch(file)), None)
        if reason is not None:
            for part in golden.json(file) if isinstance(golden.json(file), dict) else [""]:
                checker.not_covered(file, part, JUDGED if part.startswith("judge") else reason)
        elif found is not None:
            with checker.guarded(file, "check"):
                found(context, file)
    for file in (WORDS, SETTINGS, WEIGHTS):
        if file in golden.files:
            checker.fields(file, "", golden.files[file], ENTRY_FIELDS)
    if PIECES in golden.files:
        with checker.guarded(PIECES, "tokenizer"):
            table = golden.json(f"{PIECES}tokenizer_config.json")
            made = context.encoder(context.legacy)("a", True)
            checker.same(PIECES, "ids start with the first id", made[0] == 1, bool(table.get("add_bos_token", True)))
            rows = context.checkpoint.config.text_config.vocab_size
            checker.same(PIECES, "every id has a row in the table", max(made) < rows, True)
    for key, run in (
        ("pretrain_qformer_mapping", lambda: check_qformer_mapping(context)),
        ("bert_tokenizer_call", lambda: check_question_tokenizer(context, golden.manifest)),
        ("probes_of_reference_behaviour", lambda: check_probes(context)),
    ):
        if key in golden.manifest:
            with checker.guarded(golden.manifest_name, key):
                run()
    return checker.report("llama_vid")
