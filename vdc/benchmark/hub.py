"""Fetching a benchmark from the Hugging Face Hub. Only a call of :func:`fetch` touches the network."""

from __future__ import annotations

import errno
import logging
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from vdc.benchmark.layout import CAPTION_FILES, QUESTION_FOLDERS
from vdc.benchmark.parquet import EXPORT_FILES
from vdc.errors import InputError, Problem
from vdc.sections import SECTIONS

PUBLISHED_SET: Final = "wchai/Video-Detailed-Caption"
"""The benchmark as its authors host it."""

HUB_ALIASES: Final[dict[str, str]] = {"vdc": PUBLISHED_SET}
"""Short names for sets on the Hub."""

_HUB_NAME = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")

_CACHE_FAULTS: Final = (errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOSPC, errno.EDQUOT)
"""What the system says of a folder, never of a connection."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Files of one commit of a set on the Hub, in the local cache.

    Args:
        folder: The folder they lie in, laid out as on the Hub.
        commit: The commit they belong to, whatever name of a revision was asked for.
    """

    folder: Path
    commit: str


def is_hub_name(name: str) -> bool:
    """Whether ``name`` has the form ``owner/set``."""
    return _HUB_NAME.fullmatch(name) is not None


def fetch(
    name: str, *, revision: str | None = None, endpoint: str | None = None, cache_dir: Path | None = None
) -> Snapshot:
    """The question and caption files of a set (no videos), downloaded unless the Hub's cache has them.

    Without a connection a commit that is in the cache is used, and the same files come back.

    Args:
        name: ``owner/set``.
        revision: Branch, tag or commit; the default branch when not given.
        endpoint: Address of the Hub; ``HF_ENDPOINT`` or the public one when not given.
        cache_dir: The Hub library's cache; its own default when not given.

    Raises:
        InputError: No such set or revision, no access to it, or no connection and nothing in the cache; says how to
            get the files by hand.
    """
    import httpx2
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import (
        GatedRepoError,
        HfHubHTTPError,
        HFValidationError,
        IncompleteSnapshotError,
        LocalEntryNotFoundError,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    shown = f"{name} at revision {revision}" if revision else name
    try:
        folder = Path(
            snapshot_download(
                name,
                repo_type="dataset",
                revision=revision,
                endpoint=endpoint,
                cache_dir=cache_dir,
                allow_patterns=_wanted_files(),
            )
        )
    except RevisionNotFoundError as error:
        raise _refuse(shown, "no such revision on the Hub", "a branch, tag or commit", "check the revision") from error
    except GatedRepoError as error:
        raise _refuse(
            shown, "a set that asks for consent", "access to it", "accept its terms on its page and log in"
        ) from error
    except (RepositoryNotFoundError, HFValidationError) as error:
        raise _refuse(
            shown,
            "no folder of this name here and no such data set on the Hub",
            f"a folder, or a set such as {PUBLISHED_SET}",
            "check the spelling; a private set needs HF_TOKEN in the environment",
        ) from error
    except (LocalEntryNotFoundError, IncompleteSnapshotError, HfHubHTTPError, httpx2.HTTPError, OSError) as error:
        logger.info("the Hub could not be used: %s", error)
        if isinstance(error, OSError) and error.errno in _CACHE_FAULTS:
            raise _refuse(
                shown,
                f"a cache of the Hub that cannot be written ({os.strerror(error.errno)})",
                "a writable folder with room",
                "set HF_HOME to one, then repeat the command",
            ) from error
        raise _refuse(
            shown,
            "no folder of this name here, and the Hub cannot be reached or did not send the files "
            f"({type(error).__name__})",
            "a connection to the Hub, or the files on disk",
            f"download {', '.join(f'{section}.jsonl' for section in SECTIONS)} from the folder VDCScore_qa of "
            f"huggingface.co/datasets/{name} on a machine that has a connection, put them into one folder, and give "
            "that folder in place of the name",
        ) from error
    return Snapshot(folder, folder.name)


def _wanted_files() -> list[str]:
    folders = [f"{folder}/" if folder else "" for folder in QUESTION_FOLDERS]
    questions = [f"{folder}{section}.jsonl" for folder in folders for section in SECTIONS]
    return [*CAPTION_FILES, *EXPORT_FILES, *questions]


def _refuse(where: str, found: str, expected: str, do_next: str) -> InputError:
    return InputError(Problem(found, expected, do_next, where))
