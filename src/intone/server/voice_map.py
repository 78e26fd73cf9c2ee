"""OpenAI's voice names, and the presets of the released CustomVoice models that stand for them.

The pairs are by sex and age of the voices, no more; a server's settings replace them.
"""

from __future__ import annotations

from collections.abc import Mapping

DEFAULT_VOICE_MAP: Mapping[str, str] = {
    "alloy": "ryan",
    "ash": "aiden",
    "ballad": "eric",
    "cedar": "uncle_fu",
    "coral": "serena",
    "echo": "dylan",
    "fable": "aiden",
    "marin": "vivian",
    "nova": "vivian",
    "onyx": "uncle_fu",
    "sage": "serena",
    "shimmer": "sohee",
    "verse": "ryan",
}
