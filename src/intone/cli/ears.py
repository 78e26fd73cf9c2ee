"""Which checkpoint hears who speaks, and when a take that is not them is drawn again."""

from __future__ import annotations

import argparse
import os

from intone.cli.models_here import directory_of, first_here, short_name
from intone.core.errors import InvalidSettingError
from intone.core.types import Capabilities
from intone.deploy.offline.hearing import EarOpening
from intone.models.hub import HubSettings
from intone.remote import RemoteTTS
from intone.render.drawing import DrawPolicy
from intone.render.ear import Ear
from intone.render.planning import MAX_PIECE_S
from intone.tts import TTS

NO_EAR = "none"
_EARS = ("0.6b-base", "1.7b-base")
"""Any Base model hears; the smaller one is quicker to open."""

_LONGEST_HEARD_S = 2 * MAX_PIECE_S


def chosen_ear(args: argparse.Namespace, tts: TTS | RemoteTTS, can: Capabilities) -> Ear | None:
    """Returns what hears who speaks; None where nothing can, or shall.

    A speaker encoder brings PyTorch, so under a memory budget nothing hears unless it is asked for.

    Raises:
        ModelNotFoundError: the one that was asked for is not on this machine.
        InvalidSettingError: the memory budget leaves no room for it.
    """
    opening = ear_opening(args, can)
    if opening is None:
        return None
    if args.memory_budget is not None and isinstance(tts, TTS):
        tts.load().plan.check_clip(_LONGEST_HEARD_S)
    return opening.open(tts)


def ear_opening(args: argparse.Namespace, can: Capabilities) -> EarOpening | None:
    """Returns how that is opened, here or elsewhere; raises ModelNotFoundError as `chosen_ear`."""
    if args.ear == NO_EAR or (args.ear is None and args.memory_budget is not None):
        return None
    if args.ear is None and can.can_clone:
        return EarOpening(name=short_name(can.model), directory=None)
    name = args.ear or first_here(_EARS, HubSettings.from_env(os.environ))
    if name is None:
        return None
    return EarOpening(name=short_name(name), directory=directory_of(name))


def why_not_heard(args: argparse.Namespace, can: Capabilities) -> str | None:
    """Returns why nobody is compared, where that was not asked for."""
    if args.ear is not None:
        return None
    if args.memory_budget is not None:
        return (
            "similarity is not measured under a memory budget, since a speaker encoder brings "
            "PyTorch; name one with --ear where there is room"
        )
    return (
        f"similarity is not measured: {can.model} has no speaker encoder; pull one that has "
        "(intone models pull 0.6b-base), or name it with --ear"
    )


def draw_policy(args: argparse.Namespace) -> DrawPolicy:
    """Returns when a take is drawn again; raises InvalidSettingError."""
    if args.min_similarity is None:
        return DrawPolicy()
    if not 0.0 <= args.min_similarity <= 1.0:
        raise InvalidSettingError(
            f"--min-similarity is {args.min_similarity:g}; allowed: 0 (draw nothing again) to 1."
        )
    return DrawPolicy(min_similarity=args.min_similarity)
