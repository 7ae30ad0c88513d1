"""Which parameters learn: parts by name, adapters on the language model, and how many there are of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from baselines.training.families import Family
from baselines.training.recipe import Recipe
from vdc.errors import InputError, MissingExtra, Problem, unknown_name


@dataclass(frozen=True, slots=True)
class PartCount:
    """Parameters of one part.

    Args:
        part: Its name.
        parameters: In it.
        trained: Of them, those that learn.
    """

    part: str
    parameters: int
    trained: int


def choose_trained(model: Any, family: Family, recipe: Recipe) -> tuple[str, ...]:
    """Let the recipe's parts learn and nothing else.

    Args:
        model: Changed in place.
        family: Its parts.
        recipe: Says which.

    Returns:
        Names of the parameters that learn, in the model's order.

    Raises:
        InputError: A part that the model has not, or parts that hold nothing that could learn.
    """
    check_parts(family, recipe)
    starts = tuple(start for part in recipe.trainable for start in family.parts[part])
    never = family.without_gradient(model.config)
    names = []
    for name, parameter in model.named_parameters():
        learns = name.startswith(starts) and not name.startswith(never)
        parameter.requires_grad_(learns)
        if learns:
            names.append(name)
    if not names:
        raise InputError(
            Problem(f"nothing to train in {', '.join(recipe.trainable)}", "parts with parameters", "name another part")
        )
    return tuple(names)


def check_parts(family: Family, recipe: Recipe) -> None:
    """Whether every part that a recipe names exists.

    Raises:
        InputError: Listing those that do not.
    """
    named = dict.fromkeys([*recipe.trainable, *recipe.learning_rates])
    problems = [unknown_name("part", part, family.parts) for part in named if part not in family.parts]
    problems += [
        Problem(f"a learning rate for {part}", "a part that is trained", "add it to trainable, or leave it out")
        for part in recipe.learning_rates
        if part in family.parts and part not in recipe.trainable
    ]
    if problems:
        raise InputError(problems)


def part_of(name: str, family: Family) -> str:
    """The part that a parameter belongs to; names that PEFT has wrapped are understood."""
    plain = name.replace("base_model.model.", "", 1).replace("modules_to_save.default.", "")
    return next((part for part, starts in family.parts.items() if plain.startswith(starts)), "other")


def count_parts(model: Any, family: Family) -> list[PartCount]:
    """Parameters of every part, trained or not; shared ones count once."""
    sizes: dict[str, list[int]] = {part: [0, 0] for part in family.parts}
    for name, parameter in model.named_parameters():
        entry = sizes.setdefault(part_of(name, family), [0, 0])
        entry[0] += parameter.numel()
        entry[1] += parameter.numel() if parameter.requires_grad else 0
    return [PartCount(part, whole, trained) for part, (whole, trained) in sizes.items()]


def add_lora(model: Any, family: Family, recipe: Recipe) -> Any:
    """Put adapters on the language model; the other parts of the recipe learn whole.

    Args:
        model: Changed in place.
        family: Its parts and layers.
        recipe: With ``lora``.

    Returns:
        The model as PEFT wraps it.

    Raises:
        InputError: A part that is no module of its own, which an adapter's checkpoint cannot keep.
        MissingExtra: PEFT is not installed.
    """
    assert recipe.lora is not None  # noqa: S101  (asked for by the caller)
    try:
        from peft import LoraConfig, get_peft_model
    except ImportError as error:
        raise MissingExtra("low-rank adapters", "baselines") from error
    check_parts(family, recipe)
    settings = LoraConfig(
        r=recipe.lora.rank,
        lora_alpha=recipe.lora.alpha,
        lora_dropout=recipe.lora.dropout,
        target_modules=family.linear_layers,
        modules_to_save=_whole_modules(model, family, [part for part in recipe.trainable if part != "language_model"]),
    )
    return get_peft_model(model, settings)


def _whole_modules(model: Any, family: Family, parts: Sequence[str]) -> list[str]:
    modules = dict(model.named_modules())
    starts = [start for part in parts for start in family.parts[part]]
    loose = [start for start in starts if start.removesuffix(".") not in modules]
    if loose:
        raise InputError(
            Problem(
                f"{', '.join(loose)}, which is no module",
                "parts that are modules, beside adapters",
                "leave that part out of trainable, or train without lora",
            )
        )
    return [start.removesuffix(".") for start in starts]
