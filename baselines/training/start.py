"""What a first stage begins with: a language model, a vision tower, and new weights between them.

python -m baselines.training.start llavolta --language-model VICUNA --vision-tower CLIP --out START
python -m baselines.training.start llama_vid --language-model VICUNA --vision-tower eva_vit_g.pth
    --qformer instruct_blip_vicuna7b_trimmed.pth --bert-vocabulary vocab.txt --out START
python -m baselines.training.start auroracap --language-model VICUNA --vision-tower CLIP --out START
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

import torch
from torch import Tensor, nn

from baselines.common.shards import read_json, write_json
from baselines.common.torch_files import load_archive
from baselines.training.recipe import ModelName
from vdc.errors import InputError, Problem, VdcError, unknown_name

MODELS: tuple[ModelName, ...] = get_args(ModelName)


def make_start(
    model: str,
    language_model: str | Path,
    out: str | Path,
    *,
    vision_tower: str | Path,
    qformer: str | Path | None = None,
    bert_vocabulary: str | Path | None = None,
    compress_type: str = "mean",
    heads: Mapping[str, int] | None = None,
    seed: int = 0,
) -> Path:
    """Write a converted checkpoint whose projector (and context attention) is new.

    New layers are drawn as ``nn.Linear`` draws them, as in the published code.

    Args:
        model: Which model.
        language_model: Folder of the Llama, with its tokenizer.
        out: New or empty folder.
        vision_tower: Folder of the CLIP tower; for LLaMA-VID ``eva_vit_g.pth``.
        qformer: LLaMA-VID's trimmed InstructBLIP file.
        bert_vocabulary: LLaMA-VID's ``vocab.txt`` of bert-base-uncased.
        compress_type: LLaMA-VID's tokens of a frame: ``none``, ``mean`` or ``grid:n``.
        heads: LLaMA-VID's attention heads by part, for shapes that were never released.
        seed: Of the new weights.

    Returns:
        The folder, which ``vdc train --model`` takes.

    Raises:
        InputError: An unknown model, a part that is missing or does not fit, or a folder that is not empty.
    """
    if model not in MODELS:
        raise InputError(unknown_name("model", model, MODELS))
    language, tower = Path(language_model), Path(vision_tower)
    width = int(read_json(language / "config.json").get("hidden_size", 4096))
    with tempfile.TemporaryDirectory() as work, torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        if model == "llavolta":
            return _llavolta(Path(work), language, tower, width, Path(out))
        if model == "auroracap":
            return _auroracap(Path(work), language, tower, width, Path(out))
        if qformer is None:
            raise InputError(Problem("no query transformer", "the trimmed InstructBLIP file", "give --qformer FILE"))
        write_json(Path(work) / "config.json", {"compress_type": compress_type, "mm_projector_type": "mlp2x_gelu"})
        adapter = _llama_vid_adapter(tower, Path(qformer), width)
        torch.save(adapter, Path(work) / "mm_projector.bin")
        from baselines.llama_vid.convert import convert

        return convert(
            language, out, tower=tower, qformer=qformer, adapter=work, bert_vocabulary=bert_vocabulary, heads=heads
        )


def _llavolta(work: Path, language: Path, tower: Path, width: int, out: Path) -> Path:
    from baselines.llavolta.convert import convert

    projector = {f"model.mm_projector.{key}": value for key, value in _two_layers(_tower_width(tower), width).items()}
    torch.save(projector, work / "mm_projector.bin")
    folder = work / "language"
    folder.mkdir()
    _link(language, folder)
    settings = {"model_type": "llava_llama", "mm_projector_type": "mlp2x_gelu"}
    write_json(folder / "config.json", read_json(language / "config.json") | settings)
    return convert(folder, out, vision_tower=tower, projector=work / "mm_projector.bin")


def _auroracap(work: Path, language: Path, tower: Path, width: int, out: Path) -> Path:
    from safetensors.torch import save_file

    from baselines.auroracap.convert import convert

    folder = work / "released"
    (folder / "projector").mkdir(parents=True)
    _link(language, folder)
    write_json(folder / "config.json", read_json(language / "config.json"))
    (folder / "visual_encoder").symlink_to(tower.resolve(), target_is_directory=True)
    write_json(folder / "projector" / "config.json", {"depth": 2, "hidden_act": "gelu", "bias": True})
    layers = {f"model.{key}": value for key, value in _two_layers(_tower_width(tower), width).items()}
    save_file(layers, folder / "projector" / "model.safetensors", metadata={"format": "pt"})
    return convert(folder, out)


def _llama_vid_adapter(tower: Path, qformer: Path, width: int) -> dict[str, Tensor]:
    vision = load_archive(tower).get("pos_embed")
    queries = load_archive(qformer, "model").get("query_tokens")
    if vision is None or queries is None:
        file, name = (tower, "pos_embed") if vision is None else (qformer, "query_tokens")
        raise InputError(Problem(f"a file without {name}", "the published file", "check the path", str(file)))
    seen, asked = int(vision.shape[-1]), int(queries.shape[-1])
    new = {f"mm_projector.{key}": value for key, value in _two_layers(seen, width).items()}
    for name, size_in, size_out in (("", asked, seen), ("key_", seen, seen), ("val_", seen, width)):
        layer = nn.Linear(size_in, size_out).state_dict()
        new |= {f"vlm_att_{name}projector.{key}": value for key, value in layer.items()}
    return {f"model.{key}": value for key, value in new.items()}


def _two_layers(size_in: int, size_out: int) -> dict[str, Tensor]:
    """``mlp2x_gelu``, as the published files number it."""
    made: dict[str, Tensor] = nn.Sequential(
        nn.Linear(size_in, size_out), nn.GELU(), nn.Linear(size_out, size_out)
    ).state_dict()
    return made


def _tower_width(folder: Path) -> int:
    table: dict[str, Any] = read_json(folder / "config.json")
    width = (table.get("vision_config") or table).get("hidden_size")
    if not isinstance(width, int):
        raise InputError(Problem("no hidden_size", "a CLIP tower", "check --vision-tower", str(folder / "config.json")))
    return width


def _link(source: Path, target: Path) -> None:
    """Weights and tokenizer of a folder, without copying gigabytes; its configuration is written anew."""
    for file in source.iterdir():
        if file.is_file() and file.name != "config.json":
            (target / file.name).symlink_to(file.resolve())


def main(arguments: Sequence[str] | None = None) -> int:
    """``python -m baselines.training.start``; exit code 2 for input that cannot be used."""
    parser = argparse.ArgumentParser(prog="python -m baselines.training.start", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("model", help=", ".join(MODELS))
    for name in ("--language-model", "--vision-tower", "--out"):
        parser.add_argument(name, required=True)
    parser.add_argument("--qformer")
    parser.add_argument("--bert-vocabulary")
    parser.add_argument("--compress-type", default="mean")
    parser.add_argument("--seed", type=int, default=0)
    given = vars(parser.parse_args(arguments))
    try:
        written = make_start(given.pop("model"), given.pop("language_model"), given.pop("out"), **given)
    except VdcError as error:
        sys.stderr.write(f"start: {error}\n")
        return error.exit_code
    sys.stdout.write(f"{written}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
