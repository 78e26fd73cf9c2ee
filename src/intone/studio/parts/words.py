"""What is there to be chosen or clicked: languages, the released speakers, texts to begin with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from intone.text.languages import AUTO, CODE_OF_NAME

LANGUAGES: tuple[tuple[str, str], ...] = (
    ("Auto", AUTO),
    *((name.capitalize(), name) for name in CODE_OF_NAME),
)
"""What is shown, and what a request says."""

PRESETS: Mapping[str, str] = {
    "vivian": "young woman, bright, with an edge; Chinese",
    "serena": "young woman, warm and gentle; Chinese",
    "uncle_fu": "older man, low and mellow; Chinese",
    "dylan": "young man, clear and natural; Chinese of Beijing",
    "eric": "man, lively, a little husky; Chinese of Sichuan",
    "ryan": "man, dynamic, with drive; English",
    "aiden": "man, sunny, American; English",
    "ono_anna": "young woman, light and playful; Japanese",
    "sohee": "woman, warm, full of feeling; Korean",
}
"""The nine speakers of the released CustomVoice models, in the order of their model card."""

BUILTIN: Mapping[str, str] = {
    "ava": "woman, calm and clear; English",
    "bella": "woman, warm; English",
    "fenrir": "man, firm; English",
    "michael": "man, even; English",
}
"""The speakers of the voice in the box."""

DESCRIPTIONS: tuple[str, ...] = (
    "A calm, deep male voice with a professional tone.",
    "A deep, raspy voice of a tired cowboy.",
    "A bright young woman who speaks quickly and smiles while she does.",
    "An old storyteller, slow and warm, with a slight tremble.",
)
"""Voices to design; the first two are those of the founding documents."""

TEXTS: tuple[str, ...] = (
    "Good morning. The ferry leaves at ten past eight, and it is never late.",
    "She opened the letter, read it twice, and put it away without a word.",
    "It is a small thing, but it is ours, and it works.",
)
"""Sentences to try a voice with."""


@dataclass(frozen=True, slots=True)
class SampleScript:
    """A script to begin with."""

    title: str
    text: str


SCRIPTS: tuple[SampleScript, ...] = (
    SampleScript(
        "The letter",
        "[Serious] We found the letter under the floor. Nobody had touched it for sixty years. "
        "[Whispering] Do not read it aloud in here. They can hear us through the wall. "
        "[Pause] [Angry] I told you to leave it where it was! "
        "[Relieved] Never mind. It is only a list of what they wanted for dinner.",
    ),
    SampleScript(
        "The launch",
        "[Neutral] All systems are ready. The count stands at ten seconds. "
        "[Excited] There it goes! Look at it, look how straight it climbs! "
        "[pause:1.2s] [Whispering] And now we wait. "
        "[Serious] If the signal comes back within the hour, we have done it.",
    ),
    SampleScript(
        "Two at the door",
        'Nora: "You are late."\n'
        'Sam: "The road was closed, [Angry] and nobody told me."\n'
        'Nora: "[Whispering] Come in quickly. The others are asleep."\n'
        'Sam: "[Relieved] Thank you. I thought you had gone without me."',
    ),
)
"""With the moods of founding document 001; the last one is a dialogue and wants a cast."""
