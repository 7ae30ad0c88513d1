"""The cache of keys and values, under the name that the installed transformers gives it.

transformers 5.24 renamed the argument and the field ``past_key_values`` to ``cache``. ``generate`` hands a model the
cache under the name of its own version, and layers, masks and outputs know that name; the other one is lost without a
word wherever further keyword arguments are taken, or brings a FutureWarning. So there are two rules:

    inside a function of ours           the cache is called ``cache``
    to transformers, and between        it goes by :data:`CACHE_NAME`
    modules that transformers hooks

A ``forward`` of ours shows the installed name in its signature, which transformers reads, and takes either.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, TypeVar, cast

from transformers import GenerationMixin

from vdc.errors import InputError, Problem

CACHE_NAMES = ("cache", "past_key_values")
"""The name since transformers 5.24, and the one before."""

# Asked of the function that names the cache for every pass of a generation, because a version number says nothing about
# a build from source.
_ASKED = inspect.signature(GenerationMixin.prepare_inputs_for_generation).parameters

CACHE_NAME = "past_key_values" if "past_key_values" in _ASKED else "cache"
"""The name in the installed transformers."""

Forward = TypeVar("Forward", bound=Callable[..., Any])


def cache_of(outputs: Any) -> Any:
    """The cache in an output of a model or of ``generate``; None where none was kept.

    Args:
        outputs: Of transformers, or of a model here.
    """
    return getattr(outputs, CACHE_NAME)


def name_cache(given: Mapping[str, Any], name: str = CACHE_NAME) -> dict[str, Any]:
    """Keyword arguments with the cache, where there is one, under one name.

    Args:
        given: As a caller wrote them.
        name: How the callee calls it.

    Raises:
        InputError: Two different caches.
    """
    found = [given[known] for known in CACHE_NAMES if given.get(known) is not None]
    if len(found) == 2 and found[0] is not found[1]:
        raise InputError(Problem(f"two caches, as {' and as '.join(CACHE_NAMES)}", "one", f"give {CACHE_NAME} alone"))
    named = {key: value for key, value in given.items() if key not in CACHE_NAMES}
    if found:
        named[name] = found[0]
    return named


def takes_cache(forward: Forward) -> Forward:
    """Let a ``forward`` be called with the cache under either name; its signature shows the installed one.

    Args:
        forward: A method with a parameter ``cache`` that may be left out.
    """

    @wraps(forward)
    def under_either_name(self: Any, *args: Any, **kwargs: Any) -> Any:
        return forward(self, *args, **name_cache(kwargs, "cache"))

    written = inspect.signature(forward)
    shown = [one.replace(name=CACHE_NAME) if one.name == "cache" else one for one in written.parameters.values()]
    cast("Any", under_either_name).__signature__ = written.replace(parameters=shown)
    return cast("Forward", under_either_name)
