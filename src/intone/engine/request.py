"""From a request to what the engine runs: prompt, settings resolved, frame budget, guard."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from intone.core.constants import MIN_FRAMES_BEFORE_EOS
from intone.core.errors import TextTooLongError
from intone.core.types import SpeechRequest, VoiceClonePrompt
from intone.engine.guard import TakeGuard
from intone.engine.guard_plan import GuardPlan, plan_of_growing
from intone.engine.leak import LeakWatch, repeats_reference
from intone.prompt.live_text import LiveText
from intone.prompt.spec import PromptSpec
from intone.prompt.talker_prompt import TalkerPrompt
from intone.runtime.job import SlotJob
from intone.text.duration import expected_duration

if TYPE_CHECKING:
    from intone.engine.loading import LoadedModel
    from intone.models.description import ModelDescription
    from intone.prompt.builder import PromptBuilder


class Prompting(Protocol):
    """The part of a model that prompts are built with; it needs no weights."""

    @property
    def description(self) -> ModelDescription: ...
    @property
    def prompts(self) -> PromptBuilder: ...


def spec_of(
    request: SpeechRequest, voice: str | VoiceClonePrompt | None, loaded: Prompting
) -> PromptSpec:
    """Returns what the prompt builder is asked for.

    Args:
        voice: the request's, looked up: a preset's name or a clone prompt.
    """
    cloned = voice if isinstance(voice, VoiceClonePrompt) else None
    config = loaded.description.config
    speaker = voice if isinstance(voice, str) else None
    if voice is None and config.kind == "custom":
        speaker = config.speakers[0]
    return PromptSpec(
        text=request.text,
        language=request.language,
        speaker=speaker,
        instruct=request.instruct,
        x_vector=cloned.x_vector if cloned else None,
        ref_codes=cloned.ref_codes if cloned else None,
        ref_text=cloned.ref_text if cloned else None,
        text_layout=request.text_layout,
    )


def prompt_of(
    request: SpeechRequest,
    voice: str | VoiceClonePrompt | None,
    loaded: Prompting,
    live: LiveText | None = None,
) -> TalkerPrompt:
    """Returns the prompt of a request; raises RequestError.

    Args:
        voice: the request's, looked up.
        live: read in place of the request's text, which it begins with.
    """
    spec = spec_of(request, voice, loaded)
    return loaded.prompts.build(spec) if live is None else loaded.prompts.build_live(spec, live)


def job_of(request: SpeechRequest, prompt: TalkerPrompt, seed: int, loaded: Prompting) -> SlotJob:
    """Returns one draw of a request; raises InvalidSettingError."""
    defaults = loaded.description.defaults
    return SlotJob(
        prompt=prompt,
        sampling=request.sampling.over(defaults.sampling),
        predictor_sampling=request.predictor_sampling.over(defaults.predictor_sampling),
        seed=seed,
        min_frames=max(MIN_FRAMES_BEFORE_EOS, request.min_frames or 0),
    )


def max_frames_of(request: SpeechRequest, prompt: TalkerPrompt, loaded: LoadedModel) -> int:
    """Returns the frame budget; the checkpoint's default gives way to what a slot can hold.

    Raises:
        TextTooLongError: the text, or the frames asked for, do not fit.
    """
    room = loaded.plan.num_positions - prompt.num_rows
    needed = request.max_frames or 1
    if room < needed:
        raise TextTooLongError(
            f"the prompt takes {prompt.num_rows} positions and {needed} frames were asked for, "
            f"but a take holds {loaded.plan.num_positions} together; split the text (`intone book` "
            "does), lower max_frames, or raise num_positions."
        )
    return request.max_frames or min(loaded.description.defaults.max_frames, room)


def guard_of(request: SpeechRequest, live: LiveText | None = None) -> TakeGuard | None:
    """Returns the guard of one draw; None where it is off.

    A take that is kept from ending (`min_frames`) is a measurement: it is not guarded.
    """
    if not request.guard or request.min_frames is not None:
        return None
    if live is None:
        return TakeGuard(GuardPlan.of(expected_duration(request.text, request.language)))
    return TakeGuard(
        plan_of_growing(lambda: live.text if live.is_finished else None, request.language)
    )


def leak_watch_of(request: SpeechRequest, voice: str | VoiceClonePrompt | None) -> LeakWatch | None:
    """Returns what looks for an echo of the reference in one draw; None where there can be none.

    A text that begins as the reference ends is not searched: the take would begin alike, rightly.
    """
    if not request.guard or not isinstance(voice, VoiceClonePrompt) or voice.ref_codes is None:
        return None
    if repeats_reference(request.text, voice.ref_text or ""):
        return None
    return LeakWatch(voice.ref_codes)
