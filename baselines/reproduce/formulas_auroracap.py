"""AuroraCap: token counts from the merging rule, and what its printed numbers say about each other."""

from __future__ import annotations

from collections.abc import Callable
from statistics import fmean, pstdev
from typing import Final

from baselines.reproduce.figures import Figure, Figures
from baselines.reproduce.tables import Book, Table
from vdc.sections import SECTIONS

IMAGE_SIZE, PATCH_SIZE, LAYERS, FEATURE_LAYER = 378, 14, 32, 31
"""The released tower, and the layer after which its features are taken."""

AVERAGED: Final = {
    "sweep_image_captioning": ("Flickr30k CIDEr", "NoCaps CIDEr", "COCO CIDEr"),
    "sweep_image_qa": ("GQA", "MMMU", "VQAv2"),
    "sweep_video_captioning": ("MSR-VTT CIDEr", "VATEX CIDEr"),
    "sweep_video_qa": ("MSVD-QA accuracy", "ActivityNet-QA accuracy", "MSRVTT-QA accuracy", "iVQA accuracy"),
    "sweep_vdc": tuple(f"{section} accuracy" for section in SECTIONS),
}
"""The 17 series of the average curve."""


def sections(book: Book, table: Table) -> Figures:
    """Average accuracy of each row: the mean of its five sections."""
    del book
    found = {}
    for row in table.rows:
        values = [table.number(row.label, f"{section} accuracy") for section in SECTIONS]
        if None not in values:
            mean = fmean(value for value in values if value is not None)
            found[row.label, "average accuracy"] = Figure(mean, "mean of the five printed sections")
    return found


def sweep_mean(book: Book, table: Table) -> Figures:
    """Average accuracy at each ratio: the mean of the five sections of the sweep."""
    means = {row: figure.value for (row, _), figure in sections(book, book.table("sweep_vdc")).items()}
    return {
        (row.label, "average accuracy"): Figure(means[ratio], f"mean of five sections in sweep_vdc, ratio {ratio}")
        for row in table.rows
        if (ratio := f"{row.settings.get('token_kept_ratio', -1):g}") in means
    }


def average_curve(book: Book, table: Table) -> Figures:
    """Mean and spread over 17 series, each in percent of its own largest value."""
    percent = []
    for name, columns in AVERAGED.items():
        for column in columns:
            series = book.table(name).series(column)
            percent.append([100 * value / max(series) for value in series])
    found = {}
    for row, values in zip(table.rows, zip(*percent, strict=True), strict=True):
        found[row.label, "mean"] = Figure(fmean(values), "over 17 series of the sweep")
        found[row.label, "standard deviation"] = Figure(pstdev(values), "over 17 series of the sweep")
    return found


def tokens_left(ratio: float, layers: int = FEATURE_LAYER) -> tuple[int, int]:
    """Merges per layer and patch tokens of one frame after ``layers`` layers of the released tower."""
    from baselines.token_reduction.schedule import merges_per_layer, tokens_per_layer

    merges = merges_per_layer(IMAGE_SIZE, IMAGE_SIZE, PATCH_SIZE, LAYERS, ratio)
    patches = (IMAGE_SIZE // PATCH_SIZE) ** 2
    return merges, tokens_per_layer(patches + 1, merges, layers)[-1] - 1


def token_budget(book: Book, table: Table) -> Figures:
    """Tokens of one frame of the released model at every ratio."""
    del book
    patches = (IMAGE_SIZE // PATCH_SIZE) ** 2
    found: dict[tuple[str, str], Figure] = {}
    for row in table.rows:
        ratio = float(row.settings["token_kept_ratio"])
        merges, kept = tokens_left(ratio)
        values = {
            "merges per layer": merges,
            "tokens into the language model": kept,
            "fraction kept": kept / patches,
            "tokens after the last layer": tokens_left(ratio, LAYERS)[1],
            "nominal tokens": patches * ratio,
        }
        found |= {(row.label, name): Figure(value, "the merging rule") for name, value in values.items()}
    return found


def against_tokens(book: Book, table: Table) -> Figures:
    """Tokens of the released model beside the figure's, and the sweep's mean beside its accuracy."""
    found = dict(sweep_mean(book, table))
    for row in table.rows:
        if "token_kept_ratio" in row.settings:
            ratio, frames = float(row.settings["token_kept_ratio"]), int(row.settings["frames"])
            how = f"{frames} frames in the released model, ratio {ratio:g}"
            found[row.label, "visual tokens"] = Figure(frames * tokens_left(ratio)[1], how)
    return found


def from_sweep(sweep: str) -> Callable[[Book, Table], Figures]:
    """Headline numbers as the sweep has them at the row's ratio."""

    def found(book: Book, table: Table) -> Figures:
        source = book.table(sweep)
        figures: dict[tuple[str, str], Figure] = {}
        for row in table.rows:
            ratio = f"{row.settings['token_kept_ratio']:g}"
            for column in table.columns:
                value = source.number(ratio, f"{row.label} {column.name}")
                if value is not None:
                    figures[row.label, column.name] = Figure(value, f"{sweep} at ratio {ratio}")
        return figures

    return found


def best_of(sweep: str, ending: str) -> Callable[[Book, Table], Figures]:
    """The largest value of each series of the sweep."""

    def found(book: Book, table: Table) -> Figures:
        source = book.table(sweep)
        return {
            (row.label, "accuracy"): Figure(max(source.series(row.label + ending)), f"largest value in {sweep}")
            for row in table.rows
        }

    return found


def words_per_caption(book: Book, table: Table) -> Figures:
    """Words over captions."""
    del book
    found = {}
    for row in table.rows:
        words, captions = table.number(row.label, "words"), table.number(row.label, "captions")
        if words is not None and captions:
            found[row.label, "words per caption"] = Figure(words / captions, "words / captions")
    return found


FORMULAS: Final[dict[str, Callable[[Book, Table], Figures]]] = {
    "vdc": sections,
    "vdc_mean": sweep_mean,
    "average_curve": average_curve,
    "token_budget": token_budget,
    "vdc_against_tokens": against_tokens,
    "image_captioning": from_sweep("sweep_image_captioning"),
    "video_captioning": from_sweep("sweep_video_captioning"),
    "video_qa_best": best_of("sweep_video_qa", " accuracy"),
    "image_qa_best": best_of("sweep_image_qa", ""),
    "dataset_statistics": words_per_caption,
}
"""Table -> what computes it."""
