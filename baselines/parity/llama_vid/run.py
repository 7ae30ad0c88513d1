"""All checks of LLaMA-VID over one golden folder."""

from __future__ import annotations

import re
from pathlib import Path

from baselines.common.shards import read_json
from baselines.parity.checker import Checker, parts_of
from baselines.parity.context import by_name, first_fit
from baselines.parity.golden import GoldenFolder
from baselines.parity.llama_vid.checkpoints import check_probes, check_qformer_mapping, check_weights
from baselines.parity.llama_vid.context import ENTRY_FIELDS, SETTINGS, WEIGHTS, Context
from baselines.parity.llama_vid.full import check_full
from baselines.parity.llama_vid.judging import PREFIX, check_judge_sums
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
from baselines.parity.sampling import check_mixed

IMAGE_SCORERS = re.compile(r"(pope|science|vqa|textvqa|vizwiz|gqa|seed|mme|mmbench).*")
"""Parts of ``eval_scoring`` that belong to image benchmarks."""


def _check_scores(context: Context, file: str) -> None:
    golden, checker = context.golden.json(file), context.checker
    known = frozenset(part for part in golden if part.startswith(PREFIX) or IMAGE_SCORERS.fullmatch(part))
    checker.fields(file, "", golden, known)
    for part in sorted(known, key=list(golden).index):
        if part.startswith(PREFIX):
            with checker.guarded(file, part):
                check_judge_sums(context, file, part)
        else:
            checker.not_covered(file, part, "image benchmarks are scored by lmms-eval, not by the model")


CHECKS = by_name(
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
    (r"length_grouping.*\.json", lambda context, file: check_mixed(context.checker, file)),
    (r"eval_scoring.*\.json", _check_scores),
)
"""File name -> check, the first that fits."""

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
    checker.fields(golden.manifest_name, "", parts_of(golden.manifest), _MANIFEST)
    for file in golden.files:
        with checker.guarded(file, "file"):
            checker.integrity(file)
    for file in golden.files:
        found = first_fit(CHECKS, file)
        if found is not None:
            with checker.guarded(file, "check"):
                found(context, file)
    for file in golden.files:
        if file in (SETTINGS, WEIGHTS) or file.endswith((".txt", "/")):
            checker.fields(file, "", golden.files[file], ENTRY_FIELDS)
    if context.has_pieces:
        with checker.guarded(golden.manifest_name, "tokenizer"):
            _check_pieces(context)
    for key, run in (
        ("pretrain_qformer_mapping", lambda: check_qformer_mapping(context)),
        ("bert_tokenizer_call", lambda: check_question_tokenizer(context, golden.manifest)),
        ("probes_of_reference_behaviour", lambda: check_probes(context)),
    ):
        if key in golden.manifest:
            with checker.guarded(golden.manifest_name, key):
                run()
    return checker.report("llama_vid")


def _check_pieces(context: Context) -> None:
    table = read_json(context.golden.folder / context.pieces / "tokenizer_config.json")
    config, made = context.checkpoint.config.text_config, context.encoder(context.legacy)("a", True)
    first, wanted = made[0] == config.bos_token_id, bool(table.get("add_bos_token", True))
    context.checker.same(context.pieces, "ids start with the first id", first, wanted)
    context.checker.same(context.pieces, "every id has a row in the table", max(made) < config.vocab_size, True)
