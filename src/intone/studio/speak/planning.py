"""From the fields of the Speak tab to what is drawn: which model, which takes, which seeds."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import replace

from intone.core.errors import InvalidSettingError
from intone.core.seeds import derived_seed
from intone.core.types import Capabilities, SamplingOverrides, SamplingParams, SpeechRequest
from intone.render.text_takes import CutTexts, TextReading, cut_text
from intone.studio.desk import Desk
from intone.studio.sound.plan import PlannedTake, SoundPlan
from intone.studio.speak.order import FieldError, SpeakOrder
from intone.text.duration import expected_duration

MODE = "studio-speak"

_SEED_BITS = 32
"""Of a seed that is drawn: small enough to read aloud and type again."""
_WHOLE_CHUNK_FRAMES = 24
"""Where nobody listens along: the codec is cheapest in chunks of about this size."""


class SpeakPlanner:
    """Plans with the models and voices that are here now."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def __call__(self, fields: Mapping[str, object]) -> SoundPlan:
        """Returns the plan of a page's fields. For a thread: it may read files.

        Raises:
            FieldError: a field that tells by itself that it is wrong.
            RequestError, ModelNotFoundError: what a model or a voice refuses.
        """
        order = SpeakOrder.of(fields, self._desk.limit_characters)
        models = self._desk.models
        name = models.for_voice(order.voice)
        return plan_speech(order, replace(models.describe(name), model=name))


def plan_speech(order: SpeakOrder, can: Capabilities) -> SoundPlan:
    """Returns the plan of an order for a model.

    A text of more than 20 s of typical speech becomes several takes, sentence by sentence, with
    the seeds that it gets over HTTP.

    Raises:
        FieldError, RequestError: what the model cannot do.
    """
    remarks = []
    instruct = order.instruct
    if instruct is not None and not can.follows_instruct:
        remarks.append(
            f"how it is said was left out: {can.model} does not follow such words. The 1.7b-custom "
            "model does."
        )
        instruct = None
    if order.language not in can.languages:
        raise FieldError(
            "language",
            f"{can.model} does not speak {order.language}; it has: {', '.join(can.languages)}.",
        )
    seed = secrets.randbits(_SEED_BITS) if order.seed is None else order.seed
    cut = cut_text(_template(order, instruct, seed), _reading(can))
    return SoundPlan(
        mode=MODE,
        text=order.text,
        can=can,
        takes=_takes(cut, seed),
        seed=seed,
        streams=order.streams,
        lead_silence_s=cut.lead_silence_s,
        end_silence_s=cut.end_silence_s,
        expected_s=_expected_s(cut),
        remarks=tuple(remarks),
    )


def _template(order: SpeakOrder, instruct: str | None, seed: int) -> SpeechRequest:
    try:
        order.sampling.over(SamplingParams())
    except InvalidSettingError as error:
        raise FieldError("advanced", str(error)) from error
    return SpeechRequest(
        text=order.text,
        voice=order.voice,
        instruct=instruct,
        language=order.language,
        seed=seed,
        sampling=order.sampling,
        predictor_sampling=SamplingOverrides(greedy=order.sampling.greedy),
        chunk_frames=order.chunk_frames if order.streams else _WHOLE_CHUNK_FRAMES,
        speed=order.speed,
    )


def _reading(can: Capabilities) -> TextReading:
    """Tags that `say` knows are read, `[voice:…]` among them: it is the user's own text."""
    return TextReading(
        markup="voices",
        spelling="auto",
        stays_whole=False,
        voice=str,
        languages=can.languages,
    )


def _takes(cut: CutTexts, seed: int) -> tuple[PlannedTake, ...]:
    return tuple(
        PlannedTake(
            request=replace(
                part.request, seed=seed if index == 0 else derived_seed(seed, "take", index)
            ),
            written=part.written,
            gap_after_s=part.gap_after_s,
        )
        for index, part in enumerate(cut.parts)
    )


def _expected_s(cut: CutTexts) -> float:
    spoken_s = (
        expected_duration(part.request.text, part.request.language).typical_s / part.request.speed
        + part.gap_after_s
        for part in cut.parts
    )
    return sum(spoken_s) + cut.lead_silence_s + cut.end_silence_s
