"""A script with everybody in it: read, cast and planned, before and after people are designed."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from intone.cli import options, server_choice
from intone.cli.models_here import short_name
from intone.cli.reading_aloud import read_aloud
from intone.cli.script.models import speaking_model
from intone.core.errors import UnsupportedModeError
from intone.core.speak_options import speech_request
from intone.core.types import Capabilities
from intone.remote import RemoteTTS
from intone.render.casting import Casting, cast_script
from intone.render.identity import Identity, find_identity, is_description, preset_identity
from intone.render.pinning import order_for, pin, undesigned
from intone.render.plan import ScriptPlan
from intone.render.planning import PlanSettings, plan_script
from intone.runtime.rng import fresh_seed
from intone.text.cast import Cast, read_cast
from intone.text.markup import parse_script
from intone.text.reading import read_text
from intone.text.script import Script
from intone.tts import TTS
from intone.voices.library import VoiceLibrary

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """What is to be spoken, and by which model."""

    script: Script
    casting: Casting
    model: str | None
    """That speaks; None is the built-in voice."""
    can: Capabilities
    settings: PlanSettings
    plan: ScriptPlan

    @classmethod
    def of(cls, args: argparse.Namespace) -> Session:
        """Reads and plans; loads no model.

        Raises:
            RequestError: the script, the cast or a voice in them is wrong; with its place.
            ModelNotFoundError: a model that is needed is not on this machine.
        """
        cast = None if args.cast is None else read_cast(Path(args.cast))
        script = parse_script(read_text(Path(args.file)), mode=args.mode, speakers=cast)
        names = _names(args, script, cast)
        if args.server is None:
            args.model = speaking_model(args, names)
        else:
            _check_named(args.server, names)
        with server_choice.open_speaker(args) as tts:
            can = tts.capabilities()
        casting = _cast(args, script, cast, can)
        settings = _settings(args)
        return cls(
            script=script,
            casting=casting,
            model=args.model,
            can=can,
            settings=settings,
            plan=plan_script(script, casting, can, settings),
        )

    def designed(self, args: argparse.Namespace, tts: TTS | RemoteTTS, tell: Tell) -> Session:
        """Returns the session with every description turned into a kept voice.

        Args:
            tts: of the model that speaks; it clones, and need not be loaded yet.
            tell: is told what was made, and what is to be known of it.
        """
        people = undesigned(self.plan, self.can)
        if not people:
            return self
        assert isinstance(tts, TTS), "a server speaks with names alone"
        made = {who.name: self._pinned(who, args, tts, tell) for who in people}
        casting = self.casting.replaced(made)
        plan = plan_script(self.script, casting, self.can, self.settings)
        return replace(self, casting=casting, plan=plan)

    def _pinned(self, who: Identity, args: argparse.Namespace, tts: TTS, tell: Tell) -> Identity:
        order = order_for(
            who,
            self.plan,
            seed=args.identity_seed,
            design_model=short_name(args.design_model),
            base=replace(self.can, model=short_name(self.can.model)),
        )
        designer = argparse.Namespace(**{**vars(args), "model": args.design_model})
        pinned = pin(
            order,
            VoiceLibrary.from_env(os.environ),
            lambda: options.open_tts(designer),
            tts,
        )
        origin = f"designed in {pinned.num_takes} takes" if pinned.num_takes else "kept before"
        tell(f"{who.name!r} is the voice {pinned.voice.name} ({origin})")
        for note in pinned.notes:
            tell(note)
        return replace(who, voice=pinned.voice)


def _check_named(server: str, names: Sequence[str]) -> None:
    """Raises UnsupportedModeError where somebody would have to be designed first."""
    for name in filter(is_description, names):
        raise UnsupportedModeError(
            f"{name!r} is a description, which is designed on this machine, and --server {server} "
            "speaks; design and keep it there (POST /v1/audio/voices/design), and name it."
        )


def _names(args: argparse.Namespace, script: Script, cast: Cast | None) -> Sequence[str]:
    """Returns everybody's names as they are asked for, the narrator's first."""
    roles = () if cast is None else (cast[name].voice for name in script.speakers)
    given = () if args.identity is None else (args.identity,)
    return tuple(dict.fromkeys((*given, *roles, *script.voices)))


def _cast(
    args: argparse.Namespace, script: Script, cast: Cast | None, can: Capabilities
) -> Casting:
    library = VoiceLibrary.from_env(os.environ)

    def find(name: str) -> Identity:
        return find_identity(name, can, library)

    narrator = preset_identity(can.voices[0]) if can.voices else None
    if args.identity is not None:
        narrator = find(args.identity)
    return cast_script(script, cast=cast, narrator=narrator, find=find)


def _settings(args: argparse.Namespace) -> PlanSettings:
    template = speech_request("-", options.speak_options(args, voice=None, instruct=None))
    return PlanSettings(
        template=template,
        seed=fresh_seed() if args.seed is None else args.seed,
        identity_seed=args.identity_seed,
        read_aloud=read_aloud(args),
    )
