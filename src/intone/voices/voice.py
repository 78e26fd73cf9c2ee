"""`Voice`: one person as a value. Where it is kept is `library`, how it is written `voice_file`.

A voice holds what a prompt needs, so that speaking with it runs no encoder: an x-vector, and for
ICL the codec frames of a clip with its words. An emotion bank is several such clips of one person,
by mood.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, get_args

from intone.core.constants import FRAME_S
from intone.core.errors import (
    InvalidSettingError,
    MissingReferenceTextError,
    UnsupportedModeError,
)
from intone.core.types import Codes, Samples, VoiceClonePrompt

VoiceKind = Literal["preset", "cloned", "designed", "finetuned"]
"""preset, finetuned: a speaker of a checkpoint, by name. cloned: of a clip. designed: of a take of
a VoiceDesign checkpoint, kept."""

VOICE_KINDS: tuple[VoiceKind, ...] = get_args(VoiceKind)

FAMILY = "qwen3_tts"
"""`model_type` of the checkpoints that Intone speaks with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Making:
    """How a voice came to be; nothing of it is needed to speak."""

    description: str | None = None
    """Who speaks, in the words that a design was drawn from."""
    seed: int | None = None
    """Of the take that was kept."""
    source_sha256: str | None = None
    """Of the reference clip's samples: mono fp32 at 24 kHz."""
    model: str | None = None
    """That made the x-vector and codes, by alias or directory name."""
    design_model: str | None = None
    """That drew the take of a design."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Reference:
    """One clip of the person."""

    mood: str | None = None
    """None is the neutral one."""
    text: str | None = None
    """What the clip says; needed with `codes`."""
    codes: Codes | None = None
    """Codec frames [F, K]; None leaves the x-vector alone."""
    x_vector: Samples
    """Of this clip, [H]."""

    @property
    def duration_s(self) -> float | None:
        """Of the frames, appended silence included; None without codes."""
        return None if self.codes is None else len(self.codes) * FRAME_S


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Voice:
    """One person, ready to speak. Made by `voices.making`, or read from a file."""

    name: str
    kind: VoiceKind
    language: str = "auto"
    """That the clips are in."""
    family: str = FAMILY
    hidden_size: int
    """Of the talkers that the x-vector fits."""
    x_vector: Samples | None = None
    """The person, [H]; None for a speaker of a checkpoint."""
    references: tuple[Reference, ...] = ()
    """At most one per mood."""
    making: Making = field(default_factory=Making)
    licence: str | None = None
    consent: str | None = None
    """A note: who agreed to what."""
    model: str | None = None
    """The checkpoint whose `speaker` it is."""
    speaker: str | None = None

    @property
    def moods(self) -> tuple[str, ...]:
        """The moods of the emotion bank; the neutral reference is none."""
        return tuple(one.mood for one in self.references if one.mood is not None)

    @property
    def num_codebooks(self) -> int | None:
        """Of its reference codes; None without any."""
        return next((one.codes.shape[1] for one in self.references if one.codes is not None), None)

    @property
    def is_icl(self) -> bool:
        """Whether its neutral prompt is an ICL prompt."""
        neutral = self.reference(None)
        return neutral is not None and neutral.codes is not None

    def reference(self, mood: str | None) -> Reference | None:
        """Returns the clip of a mood (any case), or of the neutral voice; None where none is."""
        wanted = None if mood is None else mood_key(mood)
        return next((one for one in self.references if one.mood == wanted), None)

    def prompt(
        self, mood: str | None = None, *, x_vector_only: bool | None = None
    ) -> VoiceClonePrompt:
        """Returns what the talker reads; no encoder runs.

        Args:
            mood: one of `moods`, in any case; None is the neutral voice.
            x_vector_only: None is ICL wherever the clip's codes are kept; False insists on them.

        Raises:
            UnsupportedModeError: a speaker of a checkpoint has no prompt.
            InvalidSettingError: the bank has no such mood.
            MissingReferenceTextError: ICL of a voice that keeps an x-vector alone.
        """
        if self.x_vector is None:
            raise UnsupportedModeError(
                f"voice {self.name!r} is the speaker {self.speaker!r} of {self.model}, not a "
                f"cloned voice; speak with it by name: --model {self.model} --voice {self.speaker}."
            )
        clip = self.reference(mood)
        if mood is not None and clip is None:
            raise InvalidSettingError(
                f"voice {self.name!r} has no mood {mood!r}; it has: "
                f"{', '.join(self.moods) or 'the neutral one alone'}. Add one: "
                f"intone voices clone {self.name} --mood {mood} --audio FILE."
            )
        has_codes = clip is not None and clip.codes is not None
        if x_vector_only is False and not has_codes:
            raise MissingReferenceTextError(
                f"voice {self.name!r} keeps an x-vector alone, no reference clip with its words; "
                "leave ICL out, or clone it again with --text WORDS on a Base model."
            )
        x_vector = self.x_vector if clip is None else clip.x_vector
        if clip is None or not has_codes or x_vector_only:
            return VoiceClonePrompt(x_vector=x_vector)
        return VoiceClonePrompt(x_vector=x_vector, ref_codes=clip.codes, ref_text=clip.text)

    def fits(self, *, hidden_size: int, num_codebooks: int) -> bool:
        """Whether a model of these sizes can speak with it, as far as sizes tell."""
        ours = self.num_codebooks
        return self.hidden_size == hidden_size and ours in (None, num_codebooks)

    def check_fits(self, *, model: str, hidden_size: int, num_codebooks: int) -> None:
        """Refuses a model of another size.

        Args:
            model: as the user named it.
            hidden_size: of its talker.
            num_codebooks: of its codec.

        Raises:
            UnsupportedModeError: the message says which models fit.
        """
        if self.fits(hidden_size=hidden_size, num_codebooks=num_codebooks):
            return
        ours = _size_words(self.hidden_size, self.num_codebooks)
        raise UnsupportedModeError(
            f"voice {self.name!r} fits models of {ours}, but {model} has "
            f"{_size_words(hidden_size, num_codebooks)}; speak with a model of that size"
            f"{_size_note(self.hidden_size)}, or make the voice again from its clip: "
            f"intone voices clone NAME --audio FILE --model {model}."
        )


def mood_key(mood: str) -> str:
    """Returns a mood as a bank keeps it: lower case, single spaces.

    Raises:
        InvalidSettingError: there is no word in it.
    """
    key = " ".join(mood.casefold().split())
    if not key:
        raise InvalidSettingError(f"mood {mood!r} is empty; give a word, for example angry.")
    return key


def _size_words(hidden_size: int, num_codebooks: int | None) -> str:
    books = "" if num_codebooks is None else f" and {num_codebooks} codebooks"
    return f"width {hidden_size:,}{books}"


def _size_note(hidden_size: int) -> str:
    """Names the released models of a width."""
    notes = {1024: " (0.6b-base)", 2048: " (1.7b-base)", 256: " (the built-in voice)"}
    return notes.get(hidden_size, "")
