"""Checkpoints between the released layout and this project's, file to file: no model is built on the way.

python -m baselines.llama_vid.convert SOURCE DESTINATION [--layout native|official|adapter]
    [--bert-vocabulary vocab.txt] [--tower eva_vit_g.pth] [--qformer instruct_blip_...pth] [--adapter mm_projector.bin]
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import torch

from baselines.common.conversion import (
    check_whole,
    copy_text_files,
    parameter_shapes,
    run_converter,
    source_folder,
    target_folder,
    two_folders,
)
from baselines.common.llava_layouts import check_layout
from baselines.common.settings_tables import fields_of
from baselines.common.shards import MAX_SHARD_BYTES, StoredTensor, read_json, write_folder, write_json
from baselines.common.torch_files import read_weights, stored_in_archive, write_bin_folder
from baselines.llama_vid.config import LlamaVidConfig
from baselines.llama_vid.layouts import (
    instructblip_name,
    is_adapter_name,
    is_native,
    is_official,
    native_name,
    official_name,
    tower_name,
)
from baselines.llama_vid.model import LlamaVidForConditionalGeneration
from baselines.llama_vid.settings_files import official_config, read_config, write_native_settings
from baselines.llama_vid.tokenizer import question_tokenizer
from vdc.errors import InputError, Problem

Layout = Literal["native", "official", "adapter"]
LAYOUTS: tuple[Layout, ...] = get_args(Layout)

TEXT_FILES = ("tokenizer.model", "special_tokens_map.json", "tokenizer.json", "generation_config.json")
"""Copied as they are; ``tokenizer_config.json`` names a class and is copied with ours in its place."""

QUESTION_FOLDER = "question_tokenizer"
IMAGE_PROCESSOR, PROCESSOR, TOKENIZER = "LlamaVidImageProcessor", "LlamaVidProcessor", "LlamaVidTokenizer"
_USED_BLOCKS = {1408: 39}
"""Width of a tower -> blocks that are used of a file that may hold more."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A checkpoint on disk, not loaded.

    Args:
        folder: Where its text files lie.
        layout: ``native`` or ``official``.
        config: What model it is.
        tensors: Native name -> where the tensor lies.
    """

    folder: Path
    layout: Layout
    config: LlamaVidConfig
    tensors: dict[str, StoredTensor]


def read_checkpoint(
    folder: str | Path,
    *,
    tower: str | Path | None = None,
    qformer: str | Path | None = None,
    adapter: str | Path | None = None,
    heads: Mapping[str, int] | None = None,
    uneven_grid: bool = False,
) -> Checkpoint:
    """Recognise a checkpoint and check that it is whole.

    Args:
        folder: A full checkpoint; or a language model, with the other parts in the files below.
        tower: ``eva_vit_g.pth``; takes the place of a tower in the folder.
        qformer: The trimmed InstructBLIP file with query transformer, queries and norm.
        adapter: ``mm_projector.bin`` of the first stage, or its folder; ``config.json`` beside it is used.
        heads: As :func:`baselines.llama_vid.settings_files.read_config`.
        uneven_grid: As ``LlamaVidConfig.uneven_grid``.

    Raises:
        InputError: Missing or broken files, and every missing, unexpected or misshapen parameter.
    """
    root = source_folder(folder)
    stored = read_weights(root)
    table = read_json(root / "config.json")
    if is_native(set(stored)):
        config = LlamaVidConfig(**fields_of(LlamaVidConfig, table))
        return _checked(Checkpoint(root, "native", config, stored))
    if not is_official(set(stored)) and not (qformer or adapter):
        raise InputError(
            Problem(
                "weights without a query transformer",
                "a full LLaMA-VID checkpoint",
                "give the whole folder, or its parts with --tower, --qformer and --adapter",
                str(root),
            )
        )
    tensors = _renamed(stored, native_name)
    if qformer:
        tensors |= _renamed(stored_in_archive(Path(qformer), "model"), instructblip_name)
    if adapter:
        path = Path(adapter)
        beside = path / "config.json" if path.is_dir() else path.parent / "config.json"
        path = path / "mm_projector.bin" if path.is_dir() else path
        tensors |= _renamed(stored_in_archive(path), native_name)
        if beside.is_file():
            table |= {key: value for key, value in read_json(beside).items() if key in _ADAPTER_SETTINGS}
    if tower:
        tensors = {name: value for name, value in tensors.items() if not name.startswith("model.vision_tower.")}
        tensors |= _tower(Path(tower))
    config = read_config(table, tensors, heads=heads, uneven_grid=uneven_grid)
    return _checked(Checkpoint(root, "official", config, tensors))


_ADAPTER_SETTINGS = {"mm_projector_type", "bert_type", "num_query", "compress_type", "image_aspect_ratio"}


def _renamed(stored: Mapping[str, StoredTensor], rename: Callable[[str], str | None]) -> dict[str, StoredTensor]:
    named = ((rename(key), tensor) for key, tensor in stored.items())
    return {name: tensor for name, tensor in named if name is not None}


def _tower(path: Path) -> dict[str, StoredTensor]:
    """The used part of a tower file: later blocks, norm and head are left out."""
    stored = stored_in_archive(path)
    if "pos_embed" not in stored:
        raise InputError(Problem("a file without pos_embed", "eva_vit_g.pth", "give the tower's file", str(path)))
    used = _USED_BLOCKS.get(stored["pos_embed"].shape[-1])
    kept = {}
    for key, tensor in stored.items():
        part, _, rest = key.partition(".")
        if part == "blocks":
            if used is not None and int(rest.partition(".")[0]) >= used:
                continue
        elif part not in ("cls_token", "pos_embed", "patch_embed"):
            continue
        kept[tower_name(key)] = tensor
    return kept


def _checked(checkpoint: Checkpoint) -> Checkpoint:
    check_whole(checkpoint.tensors, expected_shapes(checkpoint.config), checkpoint.folder)
    return checkpoint


def expected_shapes(config: LlamaVidConfig) -> dict[str, tuple[int, ...]]:
    """Native name -> shape of every parameter of that model; nothing is allocated."""
    return parameter_shapes(lambda: LlamaVidForConditionalGeneration(config))


def convert(
    source: str | Path,
    destination: str | Path,
    *,
    layout: str = "native",
    dtype: torch.dtype | None = None,
    bert_vocabulary: str | Path | None = None,
    overwrite: bool = False,
    max_shard_bytes: int = MAX_SHARD_BYTES,
    **parts: Any,
) -> Path:
    """Write a checkpoint in another layout.

    Args:
        source: As ``folder`` of :func:`read_checkpoint`.
        destination: Folder to write.
        layout: ``native`` is what ``from_pretrained`` reads, ``official`` what the published code reads, ``adapter``
            what its second stage starts from.
        dtype: Cast all weights; None keeps each part's.
        bert_vocabulary: ``vocab.txt`` of bert-base-uncased, which no released checkpoint holds. Needed once for
            ``native``, unless the source has it already.
        overwrite: Allow a destination that is not empty.
        max_shard_bytes: Largest weight file.
        parts: ``tower``, ``qformer``, ``adapter``, ``heads``, ``uneven_grid`` of :func:`read_checkpoint`.

    Returns:
        The destination.

    Raises:
        InputError: As :func:`read_checkpoint`, an unknown layout, or a destination that is not empty.
    """
    layout = check_layout(layout, LAYOUTS)
    target = target_folder(destination, overwrite=overwrite)
    questions = question_tokenizer(bert_vocabulary) if bert_vocabulary is not None else None
    checkpoint = read_checkpoint(source, **parts)
    two_folders(checkpoint.folder, target)
    target.mkdir(parents=True, exist_ok=True)
    if layout == "native":
        write_folder(target, checkpoint.tensors, dtype=lambda _: dtype, max_shard_bytes=max_shard_bytes)
        _copy_text(checkpoint.folder, target)
        if questions is not None:
            questions.save_pretrained(target / QUESTION_FOLDER)
        write_native_settings(checkpoint.config, target, IMAGE_PROCESSOR, PROCESSOR)
        return target
    named = {official_name(name): tensor for name, tensor in checkpoint.tensors.items()}
    if layout == "adapter":
        adapter = {key: tensor for key, tensor in named.items() if is_adapter_name(key)}
        write_bin_folder(target, adapter, dtype=dtype, single="mm_projector.bin")
    else:
        write_bin_folder(target, named, dtype=dtype, max_shard_bytes=max_shard_bytes)
        _copy_text(checkpoint.folder, target, tokenizer_class="LlamaTokenizer")
    write_json(target / "config.json", official_config(checkpoint.config))
    return target


def _copy_text(source: Path, target: Path, tokenizer_class: str = TOKENIZER) -> None:
    copy_text_files(source, target, TEXT_FILES)
    if (source / "tokenizer_config.json").is_file():
        table = read_json(source / "tokenizer_config.json")
        # Without sentencepiece's own file the tokenizer is another kind and keeps its class.
        if (source / "tokenizer.model").is_file():
            table["tokenizer_class"] = tokenizer_class
        write_json(target / "tokenizer_config.json", table)
    if (source / QUESTION_FOLDER).is_dir():
        shutil.copytree(source / QUESTION_FOLDER, target / QUESTION_FOLDER, dirs_exist_ok=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """``python -m baselines.llama_vid.convert``; exit code 2 for input that cannot be used."""
    return run_converter(
        convert,
        "baselines.llama_vid.convert",
        LAYOUTS,
        arguments,
        paths=["bert-vocabulary", "tower", "qformer", "adapter"],
    )


if __name__ == "__main__":
    raise SystemExit(main())
