"""What every checkpoint of a run is asked to say: held-out texts, with voices and budgets.

The choice depends on the dataset alone, so all checkpoints, now and later, say the same.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from intone.core.constants import FRAME_S
from intone.core.errors import DatasetError
from intone.core.types import Capabilities, SpeechRequest, VoiceClonePrompt
from intone.train.encoded import EncodedDataset, EncodedRow
from intone.train.rows import TrainingRow

BUDGET_RATIO, BUDGET_FRAMES = 3, 25
"""A take may last three times as long as the recording, and 2 s: longer is a runaway."""

_REFERENCE_S = (3.0, 10.0)
"""Length of the clip that a take is cloned from, where the speaker has one."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class EvalItem:
    """One held-out text."""

    row: TrainingRow
    num_frames: int
    """Of the recording."""
    reference: EncodedRow | None
    """A training row of the speaker, to clone from; None where the speaker has no x-vector."""

    @property
    def ref_s(self) -> float:
        """Returns how long the recording is."""
        return self.num_frames * FRAME_S

    @property
    def max_frames(self) -> int:
        """Returns the frames after which a take is a runaway."""
        return BUDGET_RATIO * self.num_frames + BUDGET_FRAMES


def choose_items(dataset: EncodedDataset, count: int) -> list[EvalItem]:
    """Returns up to `count` held-out rows, speakers in turn, in an order that no row's place sets.

    Raises:
        DatasetError: nothing is held out.
    """
    by_speaker: dict[str, list[EncodedRow]] = {}
    for encoded in dataset.split("validation"):
        by_speaker.setdefault(encoded.row.speaker, []).append(encoded)
    if not by_speaker:
        raise DatasetError(
            "no rows are held out, so there is nothing to evaluate on; check the data again with "
            "--validation 0.05, encode, and train on that."
        )
    for rows in by_speaker.values():
        rows.sort(key=lambda encoded: hashlib.sha256(encoded.row.text.encode()).digest())
    references = _references(dataset)
    chosen = [
        rows[turn]
        for turn in range(max(map(len, by_speaker.values())))
        for _, rows in sorted(by_speaker.items())
        if turn < len(rows)
    ]
    return [
        EvalItem(
            row=encoded.row,
            num_frames=len(encoded.codes),
            reference=references.get(encoded.row.speaker),
        )
        for encoded in chosen[:count]
    ]


def _references(dataset: EncodedDataset) -> dict[str, EncodedRow]:
    """Returns each speaker's first training row of a good length, else the first at all."""
    found: dict[str, EncodedRow] = {}
    is_good: set[str] = set()
    for encoded in dataset.split("train"):
        name = encoded.row.speaker
        if encoded.x_vector is None or name in is_good:
            continue
        good = _REFERENCE_S[0] <= len(encoded.codes) * FRAME_S <= _REFERENCE_S[1]
        if good or name not in found:
            found[name] = encoded
        if good:
            is_good.add(name)
    return found


def request_of(item: EvalItem, abilities: Capabilities, seed: int) -> SpeechRequest:
    """Returns the take that a synthesizer is asked for: the preset if it has it, else a clone.

    Raises:
        DatasetError: the synthesizer has neither.
    """
    row = item.row
    return SpeechRequest(
        text=row.text,
        voice=_voice(item, abilities),
        instruct=row.instruct if _follows_instructs(abilities) else None,
        language=row.language if row.language in abilities.languages else "auto",
        seed=seed,
        max_frames=item.max_frames,
    )


def _voice(item: EvalItem, abilities: Capabilities) -> str | VoiceClonePrompt | None:
    speaker, reference = item.row.speaker, item.reference
    if abilities.kind == "design":
        return None
    if abilities.kind == "custom" and speaker in abilities.voices:
        return speaker
    if reference is None or reference.x_vector is None:
        raise DatasetError(
            f"speaker {speaker!r} is no preset of {abilities.model} and has no x-vector to clone; "
            "encode the data with --speaker-encoder BASE."
        )
    # As upstream clones by default: the clip's own codes and words go before.
    return VoiceClonePrompt(
        x_vector=reference.x_vector, ref_codes=reference.codes, ref_text=reference.row.text
    )


def _follows_instructs(abilities: Capabilities) -> bool:
    is_custom = abilities.kind == "custom" and abilities.size != "0.6b"
    return is_custom or abilities.kind == "design"


def items_hash(items: Sequence[EvalItem]) -> str:
    """Returns the identity of a choice: texts, speakers and lengths."""
    sha = hashlib.sha256()
    for item in items:
        told = (item.row.id, item.row.text, item.row.speaker, item.row.language, item.num_frames)
        sha.update(repr(told).encode())
    return sha.hexdigest()
