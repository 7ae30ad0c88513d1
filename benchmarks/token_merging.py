"""How fast token merging is: the merge step against a plain one, and the encoder at several ratios against itself.

    python benchmarks/token_merging.py [--layers 32] [--frames 1] [--device cpu] [--dtype float32]
                                       [--processor-time] [--json]

Shapes are those of the released tower (ViT-H/14 at 378 px, width 1280, 32 layers). Weights are random: speed does not
depend on them. The encoder is timed whole, as the published one runs, and up to the layer whose states the projector
receives, as this project runs it at every ratio.
"""

from __future__ import annotations

import argparse
import json
import platform
import time
from collections.abc import Callable, Mapping
from functools import partial

import torch
from torch import Tensor
from transformers import CLIPVisionConfig

from baselines.auroracap.vision import AuroraCapVisionTower
from baselines.token_reduction import match_tokens, merge_weighted

RATIOS = (1.0, 0.8, 0.4, 0.2, 0.1)


def plain_merge(x: Tensor, sizes: Tensor, metric: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """One merge step written down as the definition reads, with scatter-adds."""
    metric = metric / metric.norm(dim=-1, keepdim=True)
    scores = metric[:, ::2] @ metric[:, 1::2].transpose(1, 2)
    scores[:, 0] = -torch.inf
    best, target = scores.max(dim=-1)
    order = best.argsort(dim=-1, descending=True)[..., None]
    kept, merged = order[:, count:].sort(dim=1).values, order[:, :count]
    target = target[..., None].gather(1, merged)

    def merge(values: Tensor) -> Tensor:
        source, destination = values[:, ::2], values[:, 1::2]
        width = values.shape[-1]
        stay = source.gather(1, kept.expand(-1, -1, width))
        move = source.gather(1, merged.expand(-1, -1, width))
        return torch.cat([stay, destination.scatter_add(1, target.expand(-1, -1, width), move)], dim=1)

    summed, sizes = merge(x * sizes), merge(sizes)
    return summed / sizes, sizes


def our_merge(x: Tensor, sizes: Tensor, metric: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """The same through this project's functions."""
    return merge_weighted(x, sizes, match_tokens(metric, count))


def best_of(
    runs: Mapping[str, Callable[[], object]], repeats: int, device: str, clock: Callable[[], float]
) -> dict[str, float]:
    """Shortest time of each, seconds; the runs take turns, so that a busy machine slows all of them alike."""
    times: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(repeats + 1):  # the first warms up
        for name, run in runs.items():
            start = clock()
            run()
            if device == "cuda":
                torch.cuda.synchronize()
            times[name].append(clock() - start)
    return {name: min(found[1:]) for name, found in times.items()}


def whole_schedule(
    step: Callable[..., tuple[Tensor, Tensor]], x: Tensor, metric: Tensor, count: int, layers: int
) -> None:
    """As many merges in a row as a tower makes."""
    sizes = torch.ones_like(x[..., :1])
    for _ in range(layers):
        x, sizes = step(x, sizes, metric[:, : x.shape[1]], count)


@torch.no_grad()
def measure(
    layers: int, frames: int, device: str, dtype: torch.dtype, repeats: int, clock: Callable[[], float]
) -> dict[str, object]:
    """Everything, as one table."""
    torch.manual_seed(0)
    config = CLIPVisionConfig(
        hidden_size=1280,
        intermediate_size=5120,
        num_hidden_layers=layers,
        num_attention_heads=16,
        image_size=378,
        patch_size=14,
        hidden_act="quick_gelu",
    )
    tower = AuroraCapVisionTower(config).eval().to(device, dtype)
    pixels = torch.randn(frames, 3, 378, 378, device=device, dtype=dtype)
    x = torch.randn(frames, 730, 1280, device=device, dtype=dtype)
    metric = torch.randn(frames, 730, 80, device=device)

    features = {f"{ratio}": partial(tower.features, pixels, ratio) for ratio in RATIOS}
    whole = {f"{ratio}": partial(tower.states, pixels, ratio) for ratio in RATIOS}
    schedules = {
        "ours": partial(whole_schedule, our_merge, x, metric, 20, 31),
        "plain": partial(whole_schedule, plain_merge, x, metric, 20, 31),
    }
    encoder = best_of(whole, repeats, device, clock)
    used = best_of(features, repeats, device, clock)
    steps = best_of(schedules, 5 * repeats, device, clock)
    name = (
        torch.cuda.get_device_name() if device == "cuda" else f"{platform.machine()}, {torch.get_num_threads()} threads"
    )
    return {
        "device": name,
        "layers": layers,
        "frames": frames,
        "dtype": str(dtype),
        "encoder_s": {ratio: round(seconds, 4) for ratio, seconds in encoder.items()},
        "encoder_speedup": {ratio: round(encoder["1.0"] / seconds, 3) for ratio, seconds in encoder.items()},
        "features_s": {ratio: round(seconds, 4) for ratio, seconds in used.items()},
        "features_speedup": {ratio: round(used["1.0"] / seconds, 3) for ratio, seconds in used.items()},
        "merges_31_s": {name: round(seconds, 4) for name, seconds in steps.items()},
        "merge_ours_over_plain": round(steps["ours"] / steps["plain"], 3),
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--layers", type=int, default=32)
    parser.add_argument("--frames", type=int, default=1)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--dtype", default="float32", choices=("float32", "float16", "bfloat16"))
    parser.add_argument("--repeats", type=int, default=2)
    parser.add_argument(
        "--processor-time", action="store_true", help="one thread, processor seconds: for busy machines"
    )
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    clock = time.process_time if given.processor_time else time.perf_counter
    if given.processor_time:
        torch.set_num_threads(1)
    table = measure(given.layers, given.frames, given.device, getattr(torch, given.dtype), given.repeats, clock)
    if given.json:
        print(json.dumps(table, indent=2))
        return
    for key, value in table.items():
        print(f"{key}: {value}")


if __name__ == "__main__":
    main()
