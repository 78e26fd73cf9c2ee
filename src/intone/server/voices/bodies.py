"""What is sent about voices."""

from __future__ import annotations

from typing import Annotated

from fastapi import UploadFile
from pydantic import BaseModel, ConfigDict, Field

from intone.render.designing import MAX_CANDIDATES
from intone.server.speech.body import Text
from intone.voices.cloning import CloneForm

Name = Annotated[Text, Field(min_length=1, max_length=64)]
Note = Annotated[Text, Field(min_length=1, max_length=2_000)]


VOICE_EXAMPLE: dict[str, object] = {
    "id": "nora",
    "object": "audio.voice",
    "name": "nora",
    "kind": "cloned",
    "is_kept": True,
    "language": "english",
    "models": ["0.6b-base"],
    "moods": [],
    "form": "icl",
    "ref_text": "We left early, before the town was awake.",
    "description": None,
    "licence": None,
    "consent": "Nora, by mail",
    "problem": None,
}


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)


class NewVoiceForm(_Body):
    """A clip that becomes a voice."""

    name: Name
    """What to call it: letters and digits of ASCII, `_`, `-` and `.`."""
    audio_sample: UploadFile
    """1 to 60 s of one person; 5 to 10 s serve best."""
    consent: Note
    """Who agreed to what: kept with the voice."""
    ref_text: Annotated[Text, Field(max_length=2_000)] | None = None
    """What the clip says, exactly; it brings the voice closer."""
    language: Text = "auto"
    """That the clip is in."""
    licence: Note | None = None
    """Under which the voice may be used."""
    form: CloneForm | None = None
    """icl, x_vector; left out: icl where there are words and the model can."""
    model: Text | None = None
    """That reads the clip; left out: a Base model, else the built-in voice."""
    anyway: bool = False
    """Use a clip that its report refuses."""
    replace: bool = False
    """Replace a voice of that name."""


class ImportForm(_Body):
    """A voice from a file."""

    file: UploadFile
    """A `.voice` file, or an x-vector in `.safetensors`."""
    name: Name | None = None
    """What to call it; left out: the file's own name."""
    replace: bool = False
    """Replace a voice of that name."""


class VoiceChanges(_Body):
    """What of a kept voice shall change; what is left out stays."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"name": "nora", "licence": "CC0"}]})

    name: Name | None = None
    licence: Note | None = None
    consent: Note | None = None


class DesignBody(_Body):
    """Who shall speak, in words."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "description": "A calm, deep male voice with a professional tone.",
                    "text": "We left early, before the town was awake, and followed the river.",
                    "n": 4,
                    "seed": 7,
                }
            ]
        }
    )

    description: Annotated[Text, Field(min_length=1, max_length=2_000)]
    """Who speaks, in a sentence."""
    text: Annotated[Text, Field(min_length=1, max_length=2_000)]
    """What they say; the take that is kept becomes a reference clip, so 5 to 10 s serve best."""
    n: Annotated[int, Field(ge=1, le=MAX_CANDIDATES)] = 4
    """Candidates; each is another person."""
    seed: Annotated[int, Field(ge=0, le=2**63 - 1)] | None = None
    """The same one draws the same candidates; left out: one is drawn and told."""
    language: Text = "auto"
    model: Text | None = None
    """A VoiceDesign model; left out: the one that is here."""


class KeepBody(_Body):
    """A candidate that becomes a voice."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"name": "nora"}]})

    name: Name
    licence: Note | None = None
    form: CloneForm | None = None
    """icl, x_vector; left out: icl where the model can."""
    model: Text | None = None
    """That reads the take; left out: a Base model, else the built-in voice."""
    replace: bool = False
