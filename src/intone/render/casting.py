"""Who says which segment of a script: its tag, else its speaker's role, else the narrator.

Every name is looked up before anything is loaded, and an unknown one is told with its place.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from intone.core.errors import UnknownVoiceError
from intone.render.identity import Identity
from intone.text.cast import Cast, Role
from intone.text.script import Script, Segment

FindIdentity = Callable[[str], Identity]
"""Returns who a name stands for; raises UnknownVoiceError."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Part:
    """Who says a segment, and what always holds for them."""

    identity: Identity
    language: str | None = None
    instruct: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Casting:
    """Everybody who speaks in one script."""

    narrator: Identity | None
    """Says what nobody else does; None where no such segment may be."""
    roles: Mapping[str, Part]
    """By speaker, as the cast spells them."""
    tagged: Mapping[str, Identity]
    """By the name in `[voice:…]`."""

    @property
    def identities(self) -> Mapping[str, Identity]:
        """Everybody, by name."""
        narrator = () if self.narrator is None else (self.narrator,)
        roles = (part.identity for part in self.roles.values())
        return {who.name: who for who in (*narrator, *roles, *self.tagged.values())}

    def part(self, segment: Segment) -> Part:
        """Returns who says a segment.

        Raises:
            UnknownVoiceError: nobody was named for it.
        """
        role = self.roles.get(segment.speaker or "")
        if segment.voice is not None:
            return Part(identity=self.tagged[segment.voice])  # another person, not the role
        if role is not None:
            return role
        if self.narrator is None:
            raise UnknownVoiceError(
                f"{segment.position}: nobody is named to speak this; give --identity, a [voice:…] "
                "tag, or a cast."
            )
        return Part(identity=self.narrator)

    def replaced(self, made: Mapping[str, Identity]) -> Casting:
        """Returns the casting with some identities, by name, replaced by what was made of them."""

        def now(who: Identity) -> Identity:
            return made.get(who.name, who)

        return Casting(
            narrator=None if self.narrator is None else now(self.narrator),
            roles={
                name: Part(
                    identity=now(part.identity), language=part.language, instruct=part.instruct
                )
                for name, part in self.roles.items()
            },
            tagged={name: now(identity) for name, identity in self.tagged.items()},
        )


def cast_script(
    script: Script, *, cast: Cast | None, narrator: Identity | None, find: FindIdentity
) -> Casting:
    """Returns the casting of a script, every name in it found.

    Args:
        cast: None where the script has no dialogue, or no speaker a voice of their own.
        narrator: who says what no tag and no role claims.

    Raises:
        UnknownVoiceError: a voice in a tag or in the cast is unknown, or a segment has nobody.
    """
    casting = Casting(
        narrator=narrator,
        roles={name: _part(name, role, find) for name, role in (cast or {}).items()},
        tagged=_tagged(script, find),
    )
    for segment in script.segments:
        casting.part(segment)
    return casting


def _part(name: str, role: Role, find: FindIdentity) -> Part:
    try:
        identity = find(role.voice)
    except UnknownVoiceError as error:
        raise UnknownVoiceError(f"cast, {name!r}: {error}") from error
    return Part(identity=identity, language=role.language, instruct=role.instruct)


def _tagged(script: Script, find: FindIdentity) -> dict[str, Identity]:
    found: dict[str, Identity] = {}
    for segment in script.segments:
        if segment.voice is None or segment.voice in found:
            continue
        try:
            found[segment.voice] = find(segment.voice)
        except UnknownVoiceError as error:
            raise UnknownVoiceError(f"{segment.position}: {error}") from error
    return found
