"""Server-sent events of one answer: OpenAI's `speech.audio.delta` and `speech.audio.done`."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping

from intone.core.constants import SAMPLE_RATE_HZ
from intone.core.errors import IntoneError
from intone.server.errors import api_error, error_body
from intone.server.speech.outcome import Outcome
from intone.server.speech.plan import SpeechPlan


def delta_event(sound: bytes) -> bytes:
    """Returns the event that carries bytes of the format, in order."""
    return _event({"type": "speech.audio.delta", "audio": base64.b64encode(sound).decode()})


def done_event(plan: SpeechPlan, outcome: Outcome) -> bytes:
    """Returns the last event: what only the end knows."""
    return _event(
        {
            "type": "speech.audio.done",
            "usage": {
                "input_tokens": plan.num_characters,
                "output_tokens": outcome.num_frames,
                "total_tokens": plan.num_characters + outcome.num_frames,
            },
            "finish_reason": outcome.finish_reason,
            "seed": plan.seed,
            "duration_s": round(outcome.num_samples / SAMPLE_RATE_HZ, 3),
            "num_takes": outcome.num_takes,
        }
    )


def error_event(error: IntoneError) -> bytes:
    """Returns the event that ends an answer which had begun."""
    return _event({"type": "error", **error_body(api_error(error))})


def _event(body: Mapping[str, object]) -> bytes:
    return b"data: " + json.dumps(body).encode() + b"\n\n"
