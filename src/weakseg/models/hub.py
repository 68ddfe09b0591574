"""ImageNet weights from timm's hub, with a short timeout where there is no network.

By itself, a download retries for most of a minute where the name of the hub cannot be resolved, and
longer where packets vanish. A short request therefore checks first that the hub responds.
"""

from __future__ import annotations

import queue
import threading
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import timm

from weakseg.models import lite
from weakseg.support.errors import WeightsError

SECONDS_TO_ANSWER = 5.0

_FILENAMES = ("model.safetensors", "pytorch_model.bin")
_ALTERNATIVES = (
    "Give a file (`model.weights: FILE`), use the backbone 'tf_efficientnet_lite0', whose ImageNet "
    "weights are installed with weakseg, or train from random weights (`model.weights: none` with "
    "`model.train: network`)."
)


def pretrained_file(name: str) -> Path:
    """Find a model's ImageNet weights in the local hub cache, or download them.

    Args:
        name: A timm model, with or without its pretrained tag.

    Returns:
        The file.

    Raises:
        WeightsError: timm lists no weights, the hub does not respond within a few seconds, or the
            download fails.
    """
    published = _published(name)
    if published is None:
        raise WeightsError(
            f"timm has no ImageNet weights on its hub for '{name}'. {_ways_out(name)}"
        )
    cached = _cached_file(*published)
    return cached if cached is not None else _download(name, *published)


def cached_file(name: str) -> Path | None:
    """Return a model's weight file in the local hub cache, or None where it is not there."""
    published = _published(name)
    return None if published is None else _cached_file(*published)


def _published(name: str) -> tuple[str, tuple[str, ...]] | None:
    """Return the repository of a model's weights, and what their file may be called."""
    config = timm.get_pretrained_cfg(name)
    if config is None or not config.hf_hub_id:
        return None
    return config.hf_hub_id, (config.hf_hub_filename,) if config.hf_hub_filename else _FILENAMES


def cached_weights() -> dict[str, Path]:
    """Return the weight files of timm's models in the local hub cache, by repository."""
    from huggingface_hub import CacheNotFound, scan_cache_dir

    try:
        repositories = scan_cache_dir().repos
    except CacheNotFound:
        return {}
    return {
        repository.repo_id: Path(file.file_path)
        for repository in repositories
        if repository.repo_id.startswith("timm/")
        for revision in repository.revisions
        for file in revision.files
        if file.file_name in _FILENAMES
    }


def unreachable_reason(url: str, seconds: float) -> str | None:
    """Check that a server responds.

    Returns:
        None if it responds, even with an error; else the reason why it does not.
    """
    answers: queue.SimpleQueue[str | None] = queue.SimpleQueue()

    def request() -> None:
        try:
            with urlopen(Request(url, method="HEAD"), timeout=seconds):
                answers.put(None)
        except HTTPError:
            answers.put(None)
        except (OSError, ValueError) as error:
            answers.put(str(getattr(error, "reason", error)))

    # The timeout does not bound the name look-up. A daemon thread can be left in it, since it does
    # not keep the process from ending.
    threading.Thread(target=request, daemon=True, name="weakseg-hub-probe").start()
    try:
        return answers.get(timeout=seconds)
    except queue.Empty:
        return f"no answer within {seconds:g} s"


def _cached_file(repository: str, filenames: tuple[str, ...]) -> Path | None:
    from huggingface_hub import try_to_load_from_cache

    found = (try_to_load_from_cache(repository, filename) for filename in filenames)
    return next((Path(path) for path in found if isinstance(path, str)), None)


def _download(name: str, repository: str, filenames: tuple[str, ...]) -> Path:
    from huggingface_hub import constants, hf_hub_download
    from huggingface_hub.errors import EntryNotFoundError, LocalEntryNotFoundError

    url = f"{constants.ENDPOINT}/{repository}"
    reason: str | None
    if constants.HF_HUB_OFFLINE:
        reason = "HF_HUB_OFFLINE is set and they are not in the local cache"
    else:
        reason = unreachable_reason(url, SECONDS_TO_ANSWER)
    for filename in filenames if reason is None else ():
        try:
            return Path(hf_hub_download(repository, filename, etag_timeout=SECONDS_TO_ANSWER))
        except Exception as error:  # the hub's client raises errors of several libraries
            reason = str(error).strip().split("\n")[0] or type(error).__name__
            missing = isinstance(error, EntryNotFoundError)
            if not missing or isinstance(error, LocalEntryNotFoundError):
                break
    raise WeightsError(
        f"Cannot get ImageNet weights for '{name}' from {url}: {reason}. {_ways_out(name)}"
    )


def _ways_out(name: str) -> str:
    package = lite.how_to_install(name.split(".")[0])
    return f"Install their package ({package}), or: {_ALTERNATIVES}" if package else _ALTERNATIVES
