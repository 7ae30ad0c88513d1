"""What a film of three hours costs before its first answered word: positions, time per frame, memory.

    python benchmarks/long_video.py [--minutes 10 60 180] [--vision-width 256] [--threads 2] [--work DIR] [--write]

Stored features at one frame a second, 257 tokens a frame, with a subtitle every ten seconds; one question. Widths are
small (the released tower's is 1,408) and weights random, so the seconds are not those of a released model; frames,
tokens, positions, the 65,536-position stretch and the way time and memory grow are. Time is that of the processor, over
all threads, because others may use the machine. Every length runs in a process of its own, and so does the decoder
alone on as many random embeddings, for comparison.
"""

from __future__ import annotations

import argparse
import json
import platform
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from baselines.llama_vid.config import extended_rope
from baselines.llama_vid.features import Film, read_film
from baselines.llama_vid.film_answer import context_length, film_inputs
from baselines.llama_vid.film_store import FilmStore
from baselines.llama_vid.load import load_processor
from baselines.llama_vid.model import LlamaVidForConditionalGeneration
from baselines.llama_vid.subtitles import Subtitle, interleave
from baselines.llama_vid.toy import toy_config, toy_model, write_toy

DOC = Path(__file__).parents[1] / "docs" / "benchmarks" / "long_video.md"
TOKENS = 257
POSITIONS = 65_536
DECODER_WIDTH = 64
NEW_TOKENS = 2
QUESTION = "Who opens the door, and what happens then?"


@dataclass(frozen=True, slots=True)
class Row:
    """One length, measured.

    Args:
        minutes: Of film.
        frames: At one a second.
        visual: Positions that stand for frames.
        positions: Positions of the whole prompt.
        features_mb: Size of the stored features.
        prepare_s: Prompt to ids, processor seconds like the others.
        visual_s: Features to visual tokens, and into the prompt.
        answer_s: The decoder over the whole prompt and two tokens more.
        visual_mb: Growth of anonymous memory until the visual tokens stood in the prompt, at most.
        peak_mb: The same over everything.
        decoder_mb: The same for the decoder alone on as many random embeddings, in another process.
        mapped_mb: Most pages of files in memory, which the system takes back when it needs them.
    """

    minutes: int
    frames: int
    visual: int
    positions: int
    features_mb: float
    prepare_s: float
    visual_s: float
    answer_s: float
    visual_mb: float
    peak_mb: float
    decoder_mb: float
    mapped_mb: float


class MemoryWatch:
    """Looks at this process's memory a hundred times a second; ``with`` starts and ends it."""

    def __init__(self) -> None:
        self.start, _ = resident_mb()
        self.anonymous, self.files = self.start, 0.0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> MemoryWatch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    @property
    def growth(self) -> float:
        """Most anonymous memory so far beyond what there was at the start, MB."""
        return self.anonymous - self.start

    def _look(self) -> None:
        while not self._ended.wait(0.01):
            anonymous, files = resident_mb()
            self.anonymous, self.files = max(self.anonymous, anonymous), max(self.files, files)


def resident_mb() -> tuple[float, float]:
    """Anonymous memory and pages of files of this process, MB (Linux)."""
    table = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text(encoding="utf-8").splitlines())
    anonymous, files = (int(table[name].split()[0]) / 1000 for name in ("RssAnon", "RssFile"))
    return anonymous, files


def make_model(vision_width: int) -> LlamaVidForConditionalGeneration:
    """Toy decoder and query transformer that read features of full width, positions stretched to 65,536."""
    config = toy_config(width=DECODER_WIDTH)
    config.vision_config.hidden_size = vision_width
    config.vision_config.num_hidden_layers = 1
    config.vision_config.num_attention_heads = 16
    config.vision_config.intermediate_size = 64
    config.vision_config.image_size = 224
    config.qformer_config.encoder_hidden_size = vision_width
    config.num_query = 32
    config.text_config.max_position_embeddings = 4096
    config.text_config.rope_parameters = extended_rope(config.text_config, POSITIONS)
    return toy_model(config)


def make_film(folder: Path, minutes: int, vision_width: int) -> Film:
    """Random features on disk, written as an extraction writes them, and a subtitle every ten seconds."""
    frames = 60 * minutes
    store = FilmStore(folder, {"shape": [frames, TOKENS, vision_width]})
    block = np.random.default_rng(0).standard_normal((60, TOKENS, vision_width), dtype=np.float32).astype(np.float16)
    while store.done < frames:
        store.append(np.roll(block, store.done, axis=2))
    spoken = [Subtitle(start, start + 3.0, f"Line {start // 10}.") for start in range(0, frames, 10)]
    times = [float(second) for second in range(frames)]
    store.finish(interleave(spoken, times), times)
    return read_film(folder)


@torch.no_grad()
def measure_film(folder: Path, toy: Path, vision_width: int) -> dict[str, float]:
    """One question about a stored film."""
    model, processor, film = make_model(vision_width), load_processor(toy), read_film(folder)
    with MemoryWatch() as watch:
        started = time.process_time()
        inputs = film_inputs(model, processor, film, QUESTION, new_tokens=NEW_TOKENS)
        prepared = time.process_time()
        spliced = model.splice_inputs(**inputs, padding_side="left")
        seen, visual_mb = time.process_time(), watch.growth
        answer(model, spliced.inputs_embeds)
        ended = time.process_time()
    ids = inputs["input_ids"]
    marks = int(sum((ids == placeholder).sum() for placeholder in model.placeholder_ids))
    return {
        "frames": len(film.features),
        "visual": marks,
        "positions": spliced.inputs_embeds.shape[1],
        "features_mb": film.features.nbytes / 1e6,
        "prepare_s": prepared - started,
        "visual_s": seen - prepared,
        "answer_s": ended - seen,
        "visual_mb": visual_mb,
        "peak_mb": watch.growth,
        "mapped_mb": watch.files,
    }


@torch.no_grad()
def measure_decoder(positions: int, vision_width: int) -> dict[str, float]:
    """The decoder alone on random embeddings."""
    model = make_model(vision_width)
    with MemoryWatch() as watch:
        answer(model, torch.randn(1, positions, DECODER_WIDTH))
    return {"decoder_mb": watch.growth}


def answer(model: LlamaVidForConditionalGeneration, embeds: torch.Tensor) -> None:
    """Two tokens, the road that every answer goes."""
    mask = torch.ones(embeds.shape[:2], dtype=torch.long)
    made = model.generate(
        inputs_embeds=embeds, attention_mask=mask, do_sample=False, min_new_tokens=NEW_TOKENS, max_new_tokens=NEW_TOKENS
    )
    assert made.shape[1] == NEW_TOKENS


def in_own_process(threads: int, *arguments: object) -> dict[str, float]:
    """Run this script for one measurement, so that nothing of another one is in memory."""
    command = [sys.executable, __file__, "--threads", str(threads), *map(str, arguments)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def measure(minutes: list[int], vision_width: int, threads: int, work: Path) -> list[Row]:
    """Every length."""
    rows = []
    toy = write_toy(work / "toy")
    for length in minutes:
        with tempfile.TemporaryDirectory(dir=work) as folder:
            make_film(Path(folder) / "film", length, vision_width)
            film = in_own_process(
                threads, "--vision-width", vision_width, "--film", Path(folder) / "film", "--toy", toy
            )
        alone = in_own_process(threads, "--vision-width", vision_width, "--decoder", film["positions"])
        rows.append(Row(minutes=length, **film, **alone))  # type: ignore[arg-type]
        print(asdict(rows[-1]), file=sys.stderr)
    return rows


def markdown(rows: list[Row], vision_width: int, threads: int) -> str:
    """The page."""
    setting = (
        "One question about stored features at one frame a second, a subtitle every ten seconds, "
        f"{TOKENS} tokens a frame of width {vision_width} (the released tower's: 1,408); query transformer and decoder "
        f"are toys (width {DECODER_WIDTH}, two layers, random weights) with positions stretched from 4,096 to "
        f"{POSITIONS:,}. Made by `python benchmarks/long_video.py --write`; {threads} threads of a shared "
        f"{platform.machine()} machine, no GPU. Seconds are processor seconds over all threads."
    )
    lines = ["# A film of three hours", "", setting, "", *_times(rows), "", *_memory(rows), ""]
    tokens = (
        f"Every frame is exactly {rows[-1].visual / rows[-1].frames:g} positions. A frame costs the query transformer "
        "and the context attention the same in a long film and a short one, which only pays the first calls: 64 frames "
        "go through them at a time. The decoder sees all positions at once, so its time grows faster than the length, "
        "as any decoder's does."
    )
    memory = (
        "Memory is anonymous memory beyond the loaded model. Until the visual tokens stand in the prompt it is a block "
        "of 64 frames in single precision, what the query transformer makes of it, and the tokens themselves; it does "
        "not grow with the film. The most over everything is that, or what the decoder takes where this is more: as "
        "much as on random embeddings of the same number. Features stay a map of the file: their pages count as memory "
        "of the process while there is room, and the system takes them back when there is none."
    )
    lines += [tokens, "", memory]
    return "\n".join(lines) + "\n"


def _times(rows: list[Row]) -> list[str]:
    heads = (
        *("film", "frames", "visual positions", "per frame", "positions in all"),
        *("prompt, s", "visual tokens, s", "ms a frame", "decoder, s"),
    )
    return table(
        heads,
        [
            (
                f"{row.minutes} min",
                f"{row.frames:,}",
                f"{row.visual:,}",
                f"{row.visual / row.frames:g}",
                f"{row.positions:,}",
                f"{row.prepare_s:.1f}",
                f"{row.visual_s:.1f}",
                f"{1000 * row.visual_s / row.frames:.2f}",
                f"{row.answer_s:.1f}",
            )
            for row in rows
        ],
    )


def _memory(rows: list[Row]) -> list[str]:
    heads = ("film", "features on disk", "to the visual tokens", "at most", "decoder alone", "of the file in memory")
    return table(
        tuple(name if name == "film" else f"{name}, MB" for name in heads),
        [
            (
                f"{row.minutes} min",
                *(
                    f"{value:,.0f}"
                    for value in (row.features_mb, row.visual_mb, row.peak_mb, row.decoder_mb, row.mapped_mb)
                ),
            )
            for row in rows
        ],
    )


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """A Markdown table."""
    return [f"| {' | '.join(cells)} |" for cells in (heads, ["---"] * len(heads), *rows)]


def main() -> None:
    """Measure and print, or write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=int, nargs="+", default=[10, 60, 180])
    parser.add_argument("--vision-width", type=int, default=256)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument(
        "--work", type=Path, default=None, help="folder with room for the features (1.5 GB for 3 hours)"
    )
    parser.add_argument("--write", action="store_true", help=f"write docs/benchmarks/{DOC.name}")
    for name in ("film", "toy", "decoder"):
        parser.add_argument(f"--{name}", help=argparse.SUPPRESS)
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    if given.film or given.decoder:
        found: dict[str, Any] = (
            measure_film(Path(given.film), Path(given.toy), given.vision_width)
            if given.film
            else measure_decoder(int(float(given.decoder)), given.vision_width)
        )
        print(json.dumps(found))
        return
    assert context_length(make_model(given.vision_width).config) == POSITIONS
    with tempfile.TemporaryDirectory(dir=given.work) as work:
        rows = measure(given.minutes, given.vision_width, given.threads, Path(work))
    page = markdown(rows, given.vision_width, given.threads)
    if given.write:
        DOC.write_text(page, encoding="utf-8")
    print(page)


if __name__ == "__main__":
    main()
