"""Where checkpoints live on this machine. Nothing here touches the network or imports torch.

A model is named by an alias, a hub id (`owner/name`) or a directory. Hub ids are looked up in the
caches of Hugging Face and ModelScope, in the layouts of those projects, so that a checkpoint pulled
by another program is found too. Downloading is `intone.models.pull`, and only when asked for.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from intone.core.errors import ModelNotFoundError

Source = Literal["hf", "modelscope"]

ALIASES: Mapping[str, str] = {
    "0.6b-custom": "Qwen/Qwen3-TTS-12Hz-0.6B-CustomVoice",
    "0.6b-base": "Qwen/Qwen3-TTS-12Hz-0.6B-Base",
    "1.7b-custom": "Qwen/Qwen3-TTS-12Hz-1.7B-CustomVoice",
    "1.7b-base": "Qwen/Qwen3-TTS-12Hz-1.7B-Base",
    "1.7b-design": "Qwen/Qwen3-TTS-12Hz-1.7B-VoiceDesign",
}
"""The released checkpoints; both hubs use the same ids."""

DOWNLOAD_BYTES: Mapping[str, int] = {
    "0.6b-custom": 2_500_000_000,
    "0.6b-base": 2_520_000_000,
    "1.7b-custom": 4_520_000_000,
    "1.7b-base": 4_540_000_000,
    "1.7b-design": 4_520_000_000,
}
"""What a pull fetches, rounded: talker and codec weights and the vocabulary."""

REQUIRED_FILES = (
    "config.json",
    "vocab.json",
    "merges.txt",
    "speech_tokenizer/config.json",
)
_WEIGHT_FILES = ("model.safetensors", "model.safetensors.index.json")

_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")
_TRUE_WORDS = ("1", "on", "true", "yes")


@dataclass(frozen=True, slots=True, kw_only=True)
class HubSettings:
    """Where to look and where to pull from; `from_env` reads the variables both hubs document."""

    hf_cache: Path
    modelscope_cache: Path
    hf_endpoint: str | None = None
    """None is the public hub."""
    modelscope_endpoint: str = "https://modelscope.cn"
    modelscope_token: str | None = None
    is_offline: bool = False
    """True forbids every download."""

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> HubSettings:
        """Reads HF_HUB_CACHE, HF_HOME, HF_ENDPOINT, MODELSCOPE_*, HF_HUB_OFFLINE, INTONE_OFFLINE.

        HF_TOKEN is read by `huggingface_hub` itself.
        """
        cache_home = Path(env.get("XDG_CACHE_HOME") or "~/.cache").expanduser()
        hf_home = Path(env.get("HF_HOME") or cache_home / "huggingface").expanduser()
        modelscope = env.get("MODELSCOPE_CACHE") or "~/.cache/modelscope"
        return cls(
            hf_cache=Path(env.get("HF_HUB_CACHE") or hf_home / "hub").expanduser(),
            modelscope_cache=Path(modelscope).expanduser(),
            hf_endpoint=env.get("HF_ENDPOINT") or None,
            modelscope_endpoint=env.get("MODELSCOPE_ENDPOINT") or "https://modelscope.cn",
            modelscope_token=env.get("MODELSCOPE_API_TOKEN") or None,
            is_offline=any(
                env.get(name, "").lower() in _TRUE_WORDS
                for name in ("INTONE_OFFLINE", "HF_HUB_OFFLINE")
            ),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class InstalledModel:
    """One checkpoint found in a cache."""

    repo_id: str
    source: Source
    path: Path
    size_bytes: int
    is_complete: bool
    """False after an interrupted pull."""

    @property
    def alias(self) -> str | None:
        return next((alias for alias, repo_id in ALIASES.items() if repo_id == self.repo_id), None)


def hub_id(model: str) -> str | None:
    """Returns the hub id that an alias or id names, or None when `model` is neither."""
    known = ALIASES.get(model.lower())
    if known is not None:
        return known
    return model if _HUB_ID.fullmatch(model) else None


def resolve(model: str | Path, settings: HubSettings) -> Path:
    """Returns the directory of a checkpoint that is on this machine. Never downloads.

    Args:
        model: alias, hub id or directory. A directory that exists wins over a hub id.
        settings: where the caches are.

    Raises:
        ModelNotFoundError: not here, not complete, or not a name; the message says what to do.
    """
    path = Path(model).expanduser()
    if path.is_dir():
        return path
    repo_id = hub_id(str(model)) if isinstance(model, str) else None
    if repo_id is None or path.is_file():
        raise ModelNotFoundError(_unknown_name(str(model), is_file=path.is_file()))
    found = _snapshots_of(repo_id, settings)
    complete = next((candidate for candidate in found if is_complete(candidate)), None)
    if complete is not None:
        return complete
    state = "is not complete on this machine" if found else "is not on this machine"
    raise ModelNotFoundError(
        f"{model} {state}. Run `intone models pull {model}`{_size_note(repo_id)}, "
        "or give the directory of a checkpoint."
    )


def list_installed(settings: HubSettings) -> list[InstalledModel]:
    """Returns the Qwen3-TTS checkpoints in both caches, one entry per snapshot, by hub id."""
    found = [
        InstalledModel(
            repo_id=repo_id,
            source=source,
            path=path,
            size_bytes=directory_bytes(path),
            is_complete=is_complete(path),
        )
        for repo_id, source, path in _all_snapshots(settings)
        if repo_id in ALIASES.values() or _is_qwen3_tts(path)
    ]
    return sorted(found, key=lambda model: (model.repo_id, model.source, str(model.path)))


def directory_bytes(path: Path) -> int:
    """Returns the size of all files below a directory, links followed."""
    return sum(file.stat().st_size for file in path.rglob("*") if file.is_file())


def is_complete(path: Path) -> bool:
    """Whether a checkpoint directory holds every file that speaking needs."""
    has_weights = all(
        any((folder / name).is_file() for name in _WEIGHT_FILES)
        for folder in (path, path / "speech_tokenizer")
    )
    return has_weights and all((path / name).is_file() for name in REQUIRED_FILES)


def modelscope_snapshot(settings: HubSettings, repo_id: str, revision: str) -> Path:
    """Returns the directory of ModelScope's cache that holds one revision."""
    name = repo_id.replace("/", "--")
    return settings.modelscope_cache / "models" / name / "snapshots" / revision


def _snapshots_of(repo_id: str, settings: HubSettings) -> list[Path]:
    """Returns every snapshot of a repository; the one that Hugging Face's `main` names first."""
    paths = [path for found, _, path in _all_snapshots(settings) if found == repo_id]
    main = settings.hf_cache / f"models--{repo_id.replace('/', '--')}" / "refs" / "main"
    current = main.read_text(encoding="utf-8").strip() if main.is_file() else ""
    return sorted(paths, key=lambda path: path.name != current)


def _all_snapshots(settings: HubSettings) -> Iterator[tuple[str, Source, Path]]:
    for path in sorted(settings.hf_cache.glob("models--*--*/snapshots/*")):
        yield path.parts[-3].removeprefix("models--").replace("--", "/", 1), "hf", path
    cache = settings.modelscope_cache
    for path in sorted(cache.glob("models/*--*/snapshots/*")):
        yield path.parts[-3].replace("--", "/", 1), "modelscope", path
    # The layout of modelscope 1.37 and older: owner and name as directories, dots spelt "___".
    for root in (cache / "models", cache / "hub" / "models"):
        for config in sorted(root.glob("*/*/config.json")):
            owner, name = config.parts[-3:-1]
            yield f"{owner}/{name.replace('___', '.')}", "modelscope", config.parent


def _is_qwen3_tts(path: Path) -> bool:
    try:
        config = json.loads((path / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(config, dict) and config.get("model_type") == "qwen3_tts"


def _unknown_name(model: str, *, is_file: bool) -> str:
    if is_file:
        return f"{model} is a file; give the directory of the checkpoint."
    return (
        f"no model {model!r}: there is no such directory, and it is neither an alias "
        f"({', '.join(ALIASES)}) nor a hub id (owner/name)."
    )


def _size_note(repo_id: str) -> str:
    sizes = (DOWNLOAD_BYTES[alias] for alias, known in ALIASES.items() if known == repo_id)
    return "".join(f" ({size / 1e9:.1f} GB)" for size in sizes)
