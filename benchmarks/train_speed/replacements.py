"""What has to change in the public script before it runs on a CPU with a 0.6B model.

Each replacement applies exactly once or the measurement stops: a script that has moved on must be
looked at again. None of them costs time. This file is read in the public package's environment and
must not import intone.
"""

from __future__ import annotations

from dataclasses import dataclass

SCRIPT_COMMIT = "022e286b98fbec7e1e916cb940cdf532cd9f488e"
"""QwenLM/Qwen3-TTS, 2026-03-17: the state that the replacements were written for."""


@dataclass(frozen=True)
class Replacement:
    """One place in the script, what stands there instead, and why."""

    old: str
    new: str
    why: str


REPLACEMENTS = (
    Replacement(
        old='attn_implementation="flash_attention_2"',
        new='attn_implementation="sdpa"',
        why="flash attention needs CUDA; sdpa is torch's own fused attention",
    ),
    Replacement(
        old=', log_with="tensorboard"',
        new="",
        why="a tracker without a directory stops the script; it logs nothing through it anyway",
    ),
    Replacement(
        old="model.talker.model.text_embedding(input_text_ids)",
        new="model.talker.text_projection(model.talker.model.text_embedding(input_text_ids))",
        why="0.6B has text rows of width 2048 and a talker of width 1024, so the sum fails without",
    ),
)


def patched(source: str, replacements: tuple[Replacement, ...] = REPLACEMENTS) -> str:
    """Returns the script with every replacement made.

    Raises:
        ValueError: a place is absent, or there are several.
    """
    for replacement in replacements:
        count = source.count(replacement.old)
        if count != 1:
            raise ValueError(
                f"{replacement.old!r} stands in the script {count} times; expected once, as in "
                f"commit {SCRIPT_COMMIT[:7]}. Check that commit out."
            )
        source = source.replace(replacement.old, replacement.new)
    return source
