"""A small reader of Dockerfiles: what `docker build` would do, as data."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

_CONTINUED = re.compile(r"\\\n(?:[ \t]*#[^\n]*\n)*")


@dataclass(frozen=True, slots=True)
class Instruction:
    """One line, joined over its continuations: a word such as RUN, and what follows."""

    word: str
    rest: str


@dataclass(frozen=True, slots=True)
class Stage:
    """From one FROM to the next."""

    base: str
    name: str
    instructions: list[Instruction] = field(default_factory=list)

    def all(self, word: str) -> list[str]:
        """Returns what follows each instruction of that word."""
        return [found.rest for found in self.instructions if found.word == word]

    def assigned(self, word: str) -> dict[str, str]:
        """Returns the names and values of its ARG or ENV lines."""
        pairs = (pair for rest in self.all(word) for pair in rest.split() if "=" in pair)
        return dict(pair.split("=", 1) for pair in pairs)


def stages(path: Path) -> list[Stage]:
    """Returns the stages of a Dockerfile in order; ARG lines before the first FROM are left out."""
    found: list[Stage] = []
    for instruction in _instructions(path.read_text("utf-8")):
        if instruction.word == "FROM":
            base, _, name = instruction.rest.partition(" AS ")
            found.append(Stage(base=base, name=name))
        elif found:
            found[-1].instructions.append(instruction)
    return found


def expand(text: str, values: Mapping[str, str]) -> str:
    """Returns the text with $NAME and ${NAME} replaced, as COPY and WORKDIR do."""
    return re.sub(r"\$\{?(\w+)\}?", lambda match: values[match[1]], text)


def _instructions(text: str) -> Iterator[Instruction]:
    lines = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))
    for line in _CONTINUED.sub(" ", lines).splitlines():
        if line.strip():
            word, _, rest = line.strip().partition(" ")
            yield Instruction(word.upper(), " ".join(rest.split()))
