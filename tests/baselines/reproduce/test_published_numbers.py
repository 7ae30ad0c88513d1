"""Every number of the reference tables is here, with the same value, or is named as left out."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from baselines.reproduce.recompute import recompute
from baselines.reproduce.tables import MODELS, Book, read_book

REFERENCE = Path(__file__).parents[4] / "shared" / "reference"
SECTIONS = {"Short": "short", "VDC_Camera": "camera", "VDC_Background": "background"} | {
    "VDC_Main_Object": "main_object",
    "VDC_Detailed": "detailed",
}
CAPTION_SETS = {"flickr": "Flickr30k", "nocaps": "NoCaps", "cococap": "COCO", "MSRVTT": "MSR-VTT", "VATEX": "VATEX"}
CAPTION_METRICS = {"C": "CIDEr", "B@1": "BLEU@1", "B@4": "BLEU@4", "M": "METEOR", "R": "ROUGE-L"}
QA_SETS = {"MSVDQA": "MSVD-QA", "ANet": "ActivityNet-QA", "MSRVTT_QA": "MSRVTT-QA", "iVQA": "iVQA"}
SCHEMES = {
    "single_no_compression": "reproduce",
    "two_compression": "two-stage",
    "three_deeper": "three-stage-deeper",
    "three_wider": "three-stage-wider",
    "four_wider_then_deeper": "4stage",
    "four_deeper_then_wider": "four-stage-deeper-then-wider",
}
METRIC = {"acc": "accuracy", "score": "score"}

Place = tuple[str, str, str]
"""Table, row, column."""

Found = Iterator[tuple[tuple[Any, ...], Place | str]]
"""Path of a number in the reference -> its place here, or why it has none."""


def leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], float]]:
    if isinstance(value, dict | list):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from leaves(item, (*path, key))
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield path, float(value)


def sweep_place(series: str) -> tuple[str, str]:
    if series in ("GQA", "MMMU", "VQAv2"):
        return "sweep_image_qa", series
    name, _, metric = series.rpartition("_")
    if name in SECTIONS:
        return "sweep_vdc", f"{SECTIONS[name]} {METRIC[metric]}"
    if name in QA_SETS:
        return "sweep_video_qa", f"{QA_SETS[name]} {METRIC[metric]}"
    table = "sweep_video_captioning" if name in ("MSRVTT", "VATEX") else "sweep_image_captioning"
    return table, f"{CAPTION_SETS[name]} {CAPTION_METRICS[metric]}"


def auroracap(data: dict[str, Any]) -> Found:
    sweep = data["tome_ratio_sweep"]
    ratios = [f"{ratio:g}" for ratio in sweep["token_kept_ratio"]]
    for path, _ in leaves(data):
        match path:
            case ("format_version",) | ("tome_ratio_sweep", "token_kept_ratio", _):
                yield path, "not a result"
            case ("tome_ratio_sweep", "metrics", series, place):
                table, column = sweep_place(series)
                yield path, (table, ratios[place], column)
            case ("tome_ratio_sweep", "average_curve_percent_of_own_maximum", name, place):
                column = {"mean": "mean", "std": "standard deviation"}[name]
                yield path, ("average_curve", ratios[place], column)
            case ("tome_ratio_sweep", "vdc_mean_of_five_sections_per_ratio", "values", place):
                yield path, ("vdc_mean", ratios[place], "average accuracy")
            case ("token_budget_per_frame_real_model", "rows", place, name):
                ratio = f"{data['token_budget_per_frame_real_model']['rows'][place]['token_kept_ratio']:g}"
                columns = {
                    "r_per_layer": "merges per layer",
                    "visual_tokens_into_llm_per_frame": "tokens into the language model",
                    "effective_kept_fraction": "fraction kept",
                    "tokens_after_last_layer_without_cls": "tokens after the last layer",
                    "nominal_tokens": "nominal tokens",
                }
                yield path, ("token_budget", ratio, columns[name]) if name in columns else "names the row"
            case ("vdc_vs_visual_tokens_figure", "models", model, name, place):
                tokens = data["vdc_vs_visual_tokens_figure"]["models"][model]["visual_tokens"][place]
                column = "visual tokens" if name == "visual_tokens" else "average accuracy"
                yield path, ("vdc_against_tokens", f"{model} {tokens}", column)
            case ("vdc_vs_visual_tokens_figure", "other_point", model):
                yield path, ("vdc_against_tokens", model, "average accuracy")
            case ("headline", "image_captioning" | "video_captioning", "which_ratio", _):
                yield path, "the row's setting"
            case ("headline", "image_captioning" | "video_captioning" as table, data_set, metric):
                row = {"COCO-Cap (5000)": "COCO"}.get(data_set, data_set.split(" (")[0])
                yield path, (table, row, metric)
            case ("headline", "vdc", "sections_acc_score", section, place):
                yield path, ("vdc", "AuroraCap-7B", f"{section} {('accuracy', 'score')[place]}")
            case ("headline", "vdc", "which_ratio_matches", _):
                yield path, "named in the discrepancies"
            case ("headline", "vdc", name):
                columns = {"frames_printed": "frames", "tokens_per_frame_printed": "tokens per frame"}
                yield path, ("vdc", "AuroraCap-7B", columns.get(name, "average accuracy"))
            case ("headline", "vdc_other_metrics", metric):
                yield path, ("vdc_other_metrics", "AuroraCap-7B", metric)
            case ("headline", "video_qa" | "image_qa" as kind, "sweep_maxima", name):
                yield path, (f"{kind}_best", name.removesuffix(" acc"), "accuracy")
            case (
                ("baselines_image_captioning_CIDEr_ROUGE" | "baselines_video_captioning") as kind,
                "rows",
                row,
                place,
            ):
                table = "other_models_" + ("image" if "image" in kind else "video") + "_captioning"
                yield path, (table, row, read_book("auroracap").table(table).columns[place].name)
            case ("inference_time", "seconds_setting_A", row):
                yield path, ("inference_time", row, "A: ratio 1.0, seconds")
            case ("inference_time", "percent_of_A", setting, place):
                columns = [each.name for each in read_book("auroracap").table("inference_time").columns]
                column = next(name for name in columns if name.startswith(setting))
                yield path, ("inference_time", data["inference_time"]["order_of_lists"][place], column)


def llama_vid(data: dict[str, Any]) -> Found:
    for path, _ in leaves(data):
        match path:
            case (("image_table" | "video_table") as table, place, *rest):
                row = data[table][place]["checkpoint"].removeprefix("llama-vid-")
                if rest == ["resolution"]:
                    yield path, "the row's setting"
                    continue
                column = "tokens per frame" if rest == ["tokens_per_frame"] else rest[-1].replace(" acc", " accuracy")
                yield path, (table.replace("_table", "_benchmarks"), row, column)
            case ("video_qa_confidence", "values", size, column):
                yield path, ("video_confidence", f"{size.lower()}-full-224-video-fps-1", column)
            case ("training_loss_reference", "values", stage, end):
                yield path, ("training_loss", stage.replace("stage", "stage "), ("from", "to")[end])
            case ("third_party_observations", 0, "values", checkpoint):
                yield path, ("users_msvd_qa", checkpoint.removeprefix("llama-vid-"), "accuracy")
            case ("released_sizes", "long_video_7B_shards_GB", place):
                yield path, ("released_sizes", f"7B long video, shard {place + 1}", "size")
            case ("parameter_counts", name):
                rows = [row.label for row in read_book("llama_vid").table("parameters").rows]
                yield path, ("parameters", rows[list(data["parameter_counts"]).index(name)], "parameters")


def llavolta(data: dict[str, Any]) -> Found:
    claims = {
        ("last_stage_compression", "train_hours"): ("last-stage compression", "training hours"),
        ("last_stage_compression", "inference_TFLOPs"): ("last-stage compression", "TFLOPs"),
        ("last_stage_compression", "average_13"): ("last-stage compression", "average"),
        ("last_stage_compression", "train_time_reduction_percent"): ("last-stage compression", "training time saved"),
        ("last_stage_compression", "inference_latency_reduction_percent"): ("last-stage compression", "latency saved"),
        ("five_other_schemes", "train_time_reduction_percent"): ("the five other schemes", "training time saved"),
        ("abstract", "train_cost_reduction_percent"): ("abstract", "training time saved"),
        ("abstract", "inference_latency_reduction_percent"): ("abstract", "latency saved"),
        ("table3", "CR_percent"): ("table 3, all but VCC", "compression ratio"),
        ("table3", "VCC_CR_percent"): ("table 3, VCC", "compression ratio"),
        ("table4", "CR_percent_ours"): ("table 4, pooling", "compression ratio"),
        ("table6", "train_hours", 0): ("table 6, 13B, four stages", "hours without"),
        ("table6", "train_hours", 1): ("table 6, 13B, four stages", "training hours"),
        ("table6", "reduction_percent"): ("table 6, 13B, four stages", "training time saved"),
        ("table6", "CR_percent"): ("table 6, 13B, four stages", "compression ratio"),
        ("table7", "progressive", "CR_percent"): ("table 7, progressive", "compression ratio"),
        ("table7", "single", "CR_percent_reported"): ("table 7, single", "compression ratio"),
        ("table7", "single", "CR_percent_recomputed"): ("table 7, single", "compression ratio"),
        ("table8", "train_time_reduction_percent"): ("table 8, Video-LLaVA", "training time saved"),
        ("table10", "train_hours", 0): ("table 10, MGM-2B", "hours without"),
        ("table10", "train_hours", 1): ("table 10, MGM-2B", "training hours"),
        ("table10", "reduction_percent"): ("table 10, MGM-2B", "training time saved"),
    }
    costs = {
        "tokens_avg": "visual tokens over layers",
        "CR_percent": "compression ratio",
        "test_TFLOPs_avg_over_stages": "TFLOPs",
        "TFLOPs": "TFLOPs",
        "TFLOPs_avg": "TFLOPs",
        "train_hours": "training hours",
        "average": "average",
        "average_std": "average",
    }
    for path, _ in leaves(data):
        match path:
            case ("schemes_and_main_table_v1", "rows", scheme, "stages", place, name):
                columns = {
                    "tokens": "visual tokens over layers",
                    "CR_percent": "compression ratio",
                    "epoch_fraction": "share of training",
                }
                row = f"{SCHEMES[scheme]}, stage {place + 1}"
                yield path, ("stages", row, columns[name]) if name in columns else "the row's setting"
            case ("schemes_and_main_table_v1", "rows", scheme, "reported", "scores", benchmark, _):
                yield path, ("schemes", SCHEMES[scheme], benchmark)
            case ("schemes_and_main_table_v1", "rows", scheme, "reported" | "recomputed", name):
                yield path, ("schemes", SCHEMES[scheme], costs[name])
            case ("video_llava_v1", "rows", scheme, name):
                yield path, ("video_llava", SCHEMES[scheme], costs[name])
            case ("video_llava_v1", "rows", scheme, name, metric):
                yield path, ("video_llava", SCHEMES[scheme], f"{name.replace('_', '-')} {METRIC[metric]}")
            case ("stage_compression_ratios", name):
                row = name if name == "none" else name.replace("K", "layer ").replace("_s", ", stride ")
                yield path, ("stage_ratios", row, "compression ratio")
            case ("v2_claims_from_text", *rest) if tuple(rest) in claims:
                yield path, ("claims", *claims[tuple(rest)])
            case ("v2_claims_from_text", "table7", *_):
                yield path, "the row's setting"
            case ("inference_redundancy_figure1_left", "baseline"):
                yield path, ("redundancy", "none", "GQA")
            case ("inference_redundancy_figure1_left", "points", place, name):
                point = data["inference_redundancy_figure1_left"]["points"][place]
                columns = {"percent_tokens": "tokens left", "gqa": "GQA"}
                row = f"layer {point['layer']}, stride {point['stride']}"
                yield path, ("redundancy", row, columns[name]) if name in columns else "the row's setting"
            case ("llava15_7b_official_from_memory_unverified", name):
                yield path, ("llava_1_5", "LLaVA-1.5-7B", name.replace("_", "-"))


PLACES: dict[str, Callable[[dict[str, Any]], Found]] = {
    "auroracap": auroracap,
    "llama_vid": llama_vid,
    "llavolta": llavolta,
}


def held(book: Book, place: Place, path: tuple[Any, ...]) -> set[float]:
    """What stands at a place: the printed number, its spread, and the recomputed one where the reference has that."""
    table = book.table(place[0])
    row = table.row(place[1])
    column = [each.name for each in table.columns].index(place[2])
    found = {row.values[column], row.spread[column] if row.spread else None}
    figure = recompute(book, table).get(place[1:]) if any("recomputed" in str(key) for key in path) else None
    if "mean_of_printed_sections" in path:
        figure = recompute(book, table)[place[1:]]
    return {float(value) for value in found if isinstance(value, int | float)} | ({figure.value} if figure else set())


@pytest.mark.parametrize("model", MODELS)
def test_every_number_of_the_reference_is_here_or_named_as_left_out(model: str) -> None:
    file = REFERENCE / model / "results.json"
    if not file.is_file():
        pytest.skip("the reference tables are not part of this project and not beside this checkout")
    pytest.importorskip("torch", reason="torch is not installed (extra baselines)")
    pytest.importorskip("transformers", reason="transformers is not installed (extra baselines)")
    data = json.loads(file.read_text(encoding="utf-8"))
    book = read_book(model)
    places = dict(PLACES[model](data))
    missing, wrong = [], []
    for path, value in leaves(data):
        place = places.get(path)
        if place is None:
            missing.append(path)
        elif not isinstance(place, str) and not any(
            abs(value - number) <= 0.05 * ("recomputed" in path or "CR_percent_recomputed" in path) + 0.005
            for number in held(book, place, path)
        ):
            wrong.append((path, value, place))
    assert (missing, wrong) == ([], [])


def test_the_section_table_holds_what_the_readme_prints() -> None:
    file = REFERENCE / "vdc" / "tables.json"
    if not file.is_file():
        pytest.skip("the reference tables are not part of this project and not beside this checkout")
    table = read_book("auroracap").table("vdc")
    for entry in json.loads(file.read_text(encoding="utf-8"))["lmms_eval_readme_2024_11"]["rows"]:
        label = "AuroraCap-7B" if entry["model"] == "AURORACAP-7B" else entry["model"]
        for section in ("short", "background", "main_object", "camera", "detailed"):
            for short, metric in METRIC.items():
                assert table.number(label, f"{section} {metric}") == entry[section][short]
