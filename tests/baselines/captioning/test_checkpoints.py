"""From what the user typed to a checkpoint: folders, Hub names from a local cache, and releases to convert."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed (extra baselines)")
pytest.importorskip("transformers", reason="transformers is not installed (extra baselines)")

from baselines.captioning.checkpoints import find_checkpoint
from baselines.captioning.models import open_model
from baselines.captioning.released import BERT, CLIP
from baselines.captioning.types import ClipQuestions, Footage, ModelSettings
from tests.baselines.captioning.toy_families import Toy
from tests.builders.made_videos import moving_square
from vdc.errors import InputError

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.mark.parametrize(
    ("content", "found"),
    [
        pytest.param(None, "without config.json", id="no configuration"),
        pytest.param("{", "not JSON", id="broken"),
        pytest.param("[]", "no object", id="another thing"),
    ],
)
def test_a_folder_that_is_no_checkpoint_says_so(tmp_path: Path, content: str | None, found: str) -> None:
    if content is not None:
        (tmp_path / "config.json").write_text(content)
    with pytest.raises(InputError, match=found):
        find_checkpoint(str(tmp_path))


def test_a_converted_folder_is_known_by_its_family(any_toy: Toy) -> None:
    found = find_checkpoint(str(any_toy.native))
    assert (found.family, found.source, found.revision) == (any_toy.family, str(any_toy.native), None)


def test_a_missing_weight_file_is_named(any_toy: Toy, tmp_path: Path) -> None:
    shutil.copytree(any_toy.native, tmp_path / "copy")
    (tmp_path / "copy" / "model.safetensors").unlink()
    with pytest.raises(InputError, match=r"model\.safetensors"):
        open_model(ModelSettings(str(tmp_path / "copy")), device="cpu")


def test_a_weight_file_that_breaks_off_is_refused(any_toy: Toy, tmp_path: Path) -> None:
    shutil.copytree(any_toy.native, tmp_path / "copy")
    weights = tmp_path / "copy" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1000])
    with pytest.raises(InputError, match="cannot be read"):
        open_model(ModelSettings(str(tmp_path / "copy")), device="cpu")


@pytest.mark.parametrize(
    ("device", "found"), [("banana", "a device 'banana'"), ("cuda", "no GPUs that torch"), ("cuda:3", "no GPUs")]
)
def test_a_device_that_is_not_there_is_refused(
    any_toy: Toy, device: str, found: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    with pytest.raises(InputError, match=found):
        open_model(ModelSettings(str(any_toy.native)), device=device)


def test_a_converted_folder_without_a_tokenizer_is_refused(any_toy: Toy, tmp_path: Path) -> None:
    shutil.copytree(any_toy.native, tmp_path / "copy")
    for path in (tmp_path / "copy").glob("tokenizer*"):
        path.unlink()
    with pytest.raises(InputError, match="convert the whole released folder"):
        open_model(ModelSettings(str(tmp_path / "copy")), device="cpu")


def test_the_hash_of_a_folder_knows_its_weights_and_not_its_name(toy_folder: Path, tmp_path: Path) -> None:
    from baselines.captioning.record import hash_folder

    shutil.copytree(toy_folder, tmp_path / "copy")
    assert hash_folder(tmp_path / "copy") == hash_folder(toy_folder)
    config = json.loads((tmp_path / "copy" / "config.json").read_text())
    (tmp_path / "copy" / "config.json").write_text(json.dumps(config | {"token_kept_ratio": 0.3}))
    assert hash_folder(tmp_path / "copy") != hash_folder(toy_folder)


def without_tower(toy: Toy, target: Path) -> Path:
    """The release as somebody stores it who leaves the tower out: one torch archive."""
    from baselines.common.torch_files import read_weights

    shutil.copytree(toy.released, target, ignore=shutil.ignore_patterns("*.bin*", "*.safetensors*"))
    weights = {key: tensor.load() for key, tensor in read_weights(toy.released).items() if "vision_tower" not in key}
    torch.save(weights, target / "pytorch_model.bin")
    return target


@pytest.fixture(scope="module")
def bare(toys: dict[str, Toy], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Releases without their towers."""
    folder = tmp_path_factory.mktemp("bare")
    return {family: without_tower(toys[family], folder / family) for family in ("llama_vid", "llavolta")}


@pytest.fixture(scope="module")
def towers(toys: dict[str, Toy], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The towers alone, in the files that their authors released: ``eva_vit_g.pth`` and a CLIP folder."""
    from baselines.llama_vid.load import load_model as load_llama_vid
    from baselines.llavolta.load import load_model as load_llavolta

    folder = tmp_path_factory.mktemp("towers")
    eva = load_llama_vid(toys["llama_vid"].native).model.vision_tower.state_dict()
    torch.save(eva | {"norm.weight": torch.ones(3)}, folder / "eva_vit_g.pth")
    load_llavolta(toys["llavolta"].native).model.vision_tower.save_pretrained(folder / "clip")
    return {"llama_vid": folder / "eva_vit_g.pth", "llavolta": folder / "clip"}


@pytest.mark.parametrize(
    ("family", "parts"),
    [("auroracap", ""), ("llama_vid", " --bert-vocabulary vocab.txt"), ("llavolta", "")],
)
def test_a_release_in_a_folder_names_the_command_that_converts_it(
    toys: dict[str, Toy], family: str, parts: str
) -> None:
    with pytest.raises(InputError) as caught:
        find_checkpoint(str(toys[family].released))
    assert f"python -m baselines.{family}.convert {toys[family].released} DESTINATION{parts}, then" in str(caught.value)


@pytest.mark.parametrize(
    ("family", "part"), [("llama_vid", "--tower eva_vit_g.pth"), ("llavolta", "--vision-tower CLIP_FOLDER")]
)
def test_a_release_without_its_tower_names_the_option_for_it(bare: dict[str, Path], family: str, part: str) -> None:
    with pytest.raises(InputError) as caught:
        find_checkpoint(str(bare[family]))
    assert part in caught.value.problems[0].do_next


class Hub:
    """The Hub's cache, and no way to the Hub."""

    def __init__(self, cache: Path) -> None:
        self.cache = cache

    def put(self, name: str, folder: Path) -> None:
        root = self.cache / f"models--{name.replace('/', '--')}"
        shutil.copytree(folder, root / "snapshots" / COMMIT)
        (root / "refs").mkdir()
        (root / "refs" / "main").write_text(COMMIT)

    def put_vocabulary(self, folder: Path) -> None:
        folder.mkdir()
        from baselines.llama_vid.toy import TOY_WORDS

        (folder / "vocab.txt").write_text("\n".join(TOY_WORDS) + "\n")
        self.put(BERT, folder)


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Hub:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    return Hub(tmp_path / "hub")


def test_a_hub_model_is_known_by_its_commit(hub: Hub, any_toy: Toy) -> None:
    hub.put("lab/toy", any_toy.native)
    found = find_checkpoint("lab/toy")
    assert (found.family, found.source, found.revision, found.sha256) == (any_toy.family, "lab/toy", COMMIT, None)
    model = open_model(ModelSettings("lab/toy", max_new_tokens=3), device="cpu")
    assert model.facts()["revision"] == COMMIT


def test_a_release_by_hub_name_is_converted_once(
    hub: Hub, any_toy: Toy, isolated_user: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.put("lab/released", any_toy.released)
    hub.put_vocabulary(tmp_path / "bert")
    found = find_checkpoint("lab/released")
    assert Path(found.source).is_relative_to(isolated_user / "models")
    assert (found.family, found.revision) == (any_toy.family, COMMIT)
    asked = [ClipQuestions(Footage(moving_square(4, 2)), ("What?",))]
    model = open_model(ModelSettings("lab/released", max_new_tokens=4), device="cpu")
    assert len(model.answer(asked)) == 1
    monkeypatch.setattr(f"baselines.{any_toy.family}.convert.convert", None)
    assert find_checkpoint("lab/released") == found


def answers(name: str) -> Any:
    settings = ModelSettings(name, max_new_tokens=6)
    return open_model(settings, device="cpu").answer([ClipQuestions(Footage(moving_square(4, 2)), ("What?",))])


@pytest.mark.parametrize("family", ["llama_vid", "llavolta"])
def test_a_tower_from_elsewhere_gives_the_same_model(
    hub: Hub,
    toys: dict[str, Toy],
    bare: dict[str, Path],
    towers: dict[str, Path],
    family: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    hub.put_vocabulary(tmp_path / "bert")
    hub.put("lab/whole", toys[family].released)
    hub.put("lab/bare", bare[family])
    setting = {"llama_vid": "VDC_EVA_TOWER", "llavolta": "VDC_CLIP_TOWER"}[family]
    monkeypatch.setenv(setting, str(towers[family]))
    assert answers("lab/bare") == answers("lab/whole")


def test_the_clip_tower_comes_from_the_hub_by_the_name_in_the_configuration(
    hub: Hub, bare: dict[str, Path], towers: dict[str, Path]
) -> None:
    hub.put("lab/bare", bare["llavolta"])
    with pytest.raises(InputError, match="VDC_CLIP_TOWER"):
        find_checkpoint("lab/bare")
    hub.put(CLIP, towers["llavolta"])
    assert find_checkpoint("lab/bare").family == "llavolta"


def test_a_missing_vocabulary_is_found_out_before_the_large_download(
    hub: Hub, toys: dict[str, Toy], monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.put("lab/released", toys["llama_vid"].released)
    monkeypatch.setattr("huggingface_hub.snapshot_download", None)
    with pytest.raises(InputError, match="VDC_BERT_VOCABULARY"):
        find_checkpoint("lab/released")


def test_a_vocabulary_by_hand_needs_no_hub(hub: Hub, toys: dict[str, Toy], monkeypatch: pytest.MonkeyPatch) -> None:
    hub.put("lab/released", toys["llama_vid"].released)
    monkeypatch.setenv("VDC_BERT_VOCABULARY", str(toys["llama_vid"].native.parent / "vocab.txt"))
    assert find_checkpoint("lab/released").family == "llama_vid"
    monkeypatch.setenv("VDC_BERT_VOCABULARY", "/no/such/file")
    shutil.rmtree(Path(find_checkpoint("lab/released").source))
    with pytest.raises(InputError, match="environment VDC_BERT_VOCABULARY"):
        find_checkpoint("lab/released")


def test_llama_vid_weights_without_their_tower_say_which_file_is_needed(
    hub: Hub, bare: dict[str, Path], tmp_path: Path
) -> None:
    hub.put_vocabulary(tmp_path / "bert")
    hub.put("lab/bare", bare["llama_vid"])
    with pytest.raises(InputError, match=r"VDC_EVA_TOWER=eva_vit_g\.pth"):
        find_checkpoint("lab/bare")


def test_a_hub_name_that_cannot_be_read_says_what_to_check(hub: Hub) -> None:
    del hub
    with pytest.raises(InputError, match="neither a folder nor a model of the Hub"):
        find_checkpoint("lab/nothing")


def test_llava_of_transformers_itself_stays_with_its_own_pipeline(tmp_path: Path) -> None:
    config = {"model_type": "llava", "text_config": {}, "vision_config": {}, "architectures": ["X"]}
    (tmp_path / "config.json").write_text(json.dumps(config))
    assert find_checkpoint(str(tmp_path)).family == "hub"
