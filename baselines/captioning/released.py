"""Checkpoints as their authors released them: recognised, and converted once where they come from the Hub.

| family | told by | what else its conversion may need |
| --- | --- | --- |
| auroracap | folders visual_encoder/ and projector/ | |
| llama_vid | the fields of its config.json | BERT's vocab.txt; eva_vit_g.pth for weights without the tower |
| llavolta | the fields of its config.json | the CLIP tower, for weights without it, as LLaVA-1.5 was released |

What else is needed comes from the settings ``bert_vocabulary``, ``eva_tower`` and ``clip_tower`` (``vdc config``), or
from the Hub where it lies there.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Literal

from vdc.errors import InputError, Problem
from vdc.fileio import show_path
from vdc.settings import home, lookup

logger = logging.getLogger(__name__)

OwnFamily = Literal["auroracap", "llama_vid", "llavolta"]

BERT: Final = "google-bert/bert-base-uncased"
CLIP: Final = "openai/clip-vit-large-patch14-336"
WEIGHTS: Final = ["config.json", "*.safetensors", "*.safetensors.index.json", "pytorch_model*.bin*"]

_LLAVA_TYPES: Final = ("llava", "llava_llama")
_LLAMA_VID_FIELDS: Final = frozenset({"bert_type", "compress_type", "num_query", "num_qformer"})
_LLAVA_FIELDS: Final = frozenset({"mm_vision_tower", "mm_hidden_size"})
_TOWER_KEYS: Final = ("model.vision_tower.", "vision_tower.")


def released_family(config: Mapping[str, Any], has_file: Callable[[str], bool]) -> OwnFamily | None:
    """Whose release a checkpoint is; None where it is none, or already converted.

    Args:
        config: Its ``config.json``.
        has_file: Whether it has a file of that name.
    """
    if config.get("model_type") in _LLAVA_TYPES and "text_config" not in config:
        if _LLAMA_VID_FIELDS & config.keys():
            return "llama_vid"
        if _LLAVA_FIELDS & config.keys():
            return "llavolta"
    if "vision_config" not in config and has_file("visual_encoder/config.json"):
        return "auroracap"
    return None


def refuse_released(folder: Path, family: OwnFamily) -> InputError:
    """What to say of a release in a folder: the command that converts it, with the parts that this one needs."""
    parts = {
        "auroracap": "",
        "llama_vid": " --bert-vocabulary vocab.txt" + ("" if has_tower(folder) else " --tower eva_vit_g.pth"),
        "llavolta": "" if has_tower(folder) else " --vision-tower CLIP_FOLDER",
    }[family]
    what = {
        "llama_vid": f" (vocab.txt is that of {BERT})",
        "llavolta": f" (CLIP_FOLDER holds {CLIP})" if parts else "",
    }.get(family, "")
    return InputError(
        Problem(
            f"a {family} checkpoint in the released layout",
            "a converted checkpoint",
            f"run python -m baselines.{family}.convert {show_path(folder)} DESTINATION{parts}, then give "
            f"DESTINATION{what}",
            show_path(folder),
        )
    )


def convert_release(name: str, commit: str, family: OwnFamily, config: Mapping[str, Any]) -> Path:
    """Download a release of the Hub and convert it, unless that was done before.

    Args:
        name: Hub name.
        commit: Its commit.
        family: Whose release it is.
        config: Its ``config.json``.

    Returns:
        The converted folder, below the user's.

    Raises:
        InputError: A part that is needed beside the release is nowhere; found out before the large download where it
            can be.
    """
    from importlib import import_module

    from huggingface_hub import snapshot_download

    target = home() / "models" / f"{name.replace('/', '--')}-{commit[:12]}"
    # the configuration is written last, so a conversion that was killed is done again
    if (target / "config.json").is_file():
        return target
    parts: dict[str, Any] = {}
    if family == "llama_vid":
        parts["bert_vocabulary"] = _bert_vocabulary()
    if family == "llavolta":
        import_module("baselines.llavolta.settings_files").config_from_official(config, where=name)
    logger.warning("%s has the released layout; it is converted once, to %s", name, target)
    released = Path(snapshot_download(name, revision=commit))
    if family == "llama_vid" and not has_tower(released):
        parts["tower"] = _eva_tower()
    if family == "llavolta" and not has_tower(released):
        parts["vision_tower"] = _clip_tower(config)
    import_module(f"baselines.{family}.convert").convert(released, target, overwrite=True, **parts)
    return target


def has_tower(folder: Path) -> bool:
    """Whether the weights of a folder have their vision tower among them.

    Raises:
        InputError: There are no weights that can be read.
    """
    from baselines.common.torch_files import read_weights

    return any(key.startswith(_TOWER_KEYS) for key in read_weights(folder))


def _bert_vocabulary() -> Path:
    found = lookup("bert_vocabulary")
    if found.value:
        return _existing(Path(found.value), found.source, "vocab.txt of bert-base-uncased")
    from huggingface_hub import hf_hub_download

    with _from_hub("no vocabulary for the questions", f"vocab.txt of {BERT}", "VDC_BERT_VOCABULARY=vocab.txt"):
        return Path(hf_hub_download(BERT, "vocab.txt"))


def _eva_tower() -> Path:
    found = lookup("eva_tower")
    if found.value:
        return _existing(Path(found.value), found.source, "eva_vit_g.pth")
    raise InputError(
        Problem(
            "LLaMA-VID weights without their vision tower",
            "eva_vit_g.pth beside them, as the authors' instructions name it",
            "download it, then set VDC_EVA_TOWER=eva_vit_g.pth (or eva_tower in config.toml) and repeat the command",
        )
    )


def _clip_tower(config: Mapping[str, Any]) -> Path:
    found = lookup("clip_tower")
    if found.value and Path(found.value).exists():
        return Path(found.value)
    named = str(config.get("mm_vision_tower") or CLIP)
    name = found.value or (named if named.count("/") == 1 and not named.startswith((".", "/")) else CLIP)
    from huggingface_hub import snapshot_download

    with _from_hub("weights without their vision tower", f"the CLIP checkpoint {name}", "VDC_CLIP_TOWER=FOLDER"):
        return Path(snapshot_download(name, allow_patterns=WEIGHTS))


def _existing(path: Path, source: str, expected: str) -> Path:
    if not path.is_file():
        raise InputError(Problem(f"no file ({source})", expected, "correct the setting", show_path(path)))
    return path


@contextmanager
def _from_hub(found: str, expected: str, setting: str) -> Iterator[None]:
    """Turn what the Hub says into what the user can do."""
    from huggingface_hub.errors import EntryNotFoundError, HfHubHTTPError, LocalEntryNotFoundError

    try:
        yield
    except (HfHubHTTPError, EntryNotFoundError, LocalEntryNotFoundError, OSError) as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0][:200]
        raise InputError(
            Problem(
                f"{found}, and the Hub does not give it ({reason})",
                expected,
                f"check the connection, or download it by hand and set {setting}",
            )
        ) from error
