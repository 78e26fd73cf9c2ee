"""What servers with OpenAI's speech route can be asked for beyond it.

Of vLLM-Omni: its request schema (`vllm_omni/entrypoints/openai/protocol/audio.py`) and
`docs/serving/speech_api.md`, 2026-09; it drops fields it does not know, so nothing else is sent.
Of SGLang-Omni: `docs/basic_usage/tts.md` and its request schema, 2026-09.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from intone.core.errors import InvalidSettingError

DialectName = Literal["intone", "openai", "vllm-omni", "sglang-omni"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """What one kind of server understands."""

    name: DialectName
    is_sse: bool = False
    """Sound comes in events whose last one says how the take ended; else as plain PCM."""
    has_language: bool = True
    has_seed: bool = True
    sampling: frozenset[str] = frozenset()
    """Fields of `SamplingOverrides` that it takes."""
    nests_sampling: bool = False
    """They go into `extra_params`."""
    max_frames_field: str | None = "max_new_tokens"
    has_text_layout: bool = False
    has_chunk_frames: bool = False
    has_speed: bool = False
    """Else the speed is made here."""
    has_clips: bool = True
    """`ref_audio`, `ref_text`, `x_vector_only_mode`."""
    has_x_vectors: bool = False
    has_task_type: bool = True
    """And must be told what kind of model it has."""
    needs_model: bool = False


_SAMPLING = frozenset({"temperature", "top_k", "top_p", "repetition_penalty"})

DIALECTS: Mapping[DialectName, Dialect] = {
    "intone": Dialect(
        name="intone",
        is_sse=True,
        sampling=_SAMPLING,
        max_frames_field="max_frames",
        has_chunk_frames=True,
        has_speed=True,
        has_task_type=False,
    ),
    "openai": Dialect(
        name="openai",
        has_language=False,
        has_seed=False,
        max_frames_field=None,
        has_speed=True,
        has_clips=False,
        has_task_type=False,
        needs_model=True,
    ),
    "vllm-omni": Dialect(
        name="vllm-omni",
        sampling=_SAMPLING - {"repetition_penalty"},
        nests_sampling=True,
        has_text_layout=True,
        has_x_vectors=True,
    ),
    "sglang-omni": Dialect(name="sglang-omni", sampling=_SAMPLING),
}


def checked_dialect(name: str | None) -> DialectName | None:
    """Returns the name of a dialect as given; None stays None. Raises InvalidSettingError."""
    if name is None:
        return None
    for known in get_args(DialectName):
        if name == known:
            return known  # type: ignore[no-any-return]
    raise InvalidSettingError(
        f"dialect is {name!r}; allowed: {', '.join(DIALECTS)}, or none to ask the server."
    )


def dialect_of_owner(owner: str) -> DialectName:
    """Returns who a server is by `owned_by` of its models; "openai" where it is nobody known."""
    owner = owner.lower()
    if owner == "intone":
        return "intone"
    if owner.startswith("vllm"):
        return "vllm-omni"
    return "sglang-omni" if owner.startswith("sglang") else "openai"
