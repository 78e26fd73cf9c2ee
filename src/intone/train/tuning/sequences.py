"""From an encoded row to what the talker reads: the form drawn by rate, the prompt built as always.

The prompt comes from `prompt/`, the very builder of inference; a sequence is its rows followed by
one row per frame. Every draw is a function of (seed, epoch, row), so that a run can be resumed, or
split over processes, and see the same sequences.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from intone.core.errors import DatasetError, InvalidSettingError
from intone.core.types import Codes, ModelKind, TextLayout
from intone.models.config import ModelConfig
from intone.prompt.builder import PromptBuilder, PromptSpec
from intone.prompt.talker_prompt import TalkerPrompt
from intone.prompt.tokenizer import TextTokenizer
from intone.train.encoded import EncodedRow
from intone.train.tuning.settings import Target, TrainSettings, VariantRates

Voicing = Literal["preset", "x_vector", "icl", "none"]

_KINDS: dict[Target, ModelKind] = {"custom": "custom", "base": "base", "design": "design"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """The form in which a row is seen once."""

    layout: TextLayout
    names_language: bool
    gives_instruct: bool
    voicing: Voicing
    reference: int | None = None
    """Row whose clip goes before, for ICL; None is the row's own reference clip."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TrainingSequence:
    """One utterance as the networks are trained on it."""

    prompt: TalkerPrompt
    codes: Codes
    """Target frames, [F, K]."""
    picked: Codes
    """Frames from which the code predictor learns, sorted, [P]."""

    @property
    def num_rows(self) -> int:
        """Rows of the talker: the prompt's, then one per frame; the last predicts the end."""
        return self.prompt.num_rows + len(self.codes)


def training_config(base: ModelConfig, target: Target, new_speakers: dict[str, int]) -> ModelConfig:
    """Returns the configuration of what the run will make, from that of its base.

    Raises:
        InvalidSettingError: this base cannot become that.
    """
    if target == "base" and base.kind != "base" or (target == "design") != (base.kind == "design"):
        raise InvalidSettingError(
            f"target is {target!r}, but the model is a {base.kind} checkpoint; allowed from it: "
            f"{_targets_of(base.kind)}."
        )
    if target != "custom":
        return base
    talker = replace(
        base.talker,
        speaker_ids={**base.talker.speaker_ids, **new_speakers},
        speaker_dialects={**dict.fromkeys(new_speakers), **base.talker.speaker_dialects},
    )
    return replace(base, kind="custom", talker=talker)


def _targets_of(kind: ModelKind) -> str:
    return {"base": "custom, base", "custom": "custom", "design": "design"}[kind]


class SequenceMaker:
    """Turns the rows of one split into sequences."""

    def __init__(
        self,
        config: ModelConfig,
        tokenizer: TextTokenizer,
        rows: Sequence[EncodedRow],
        settings: TrainSettings,
    ) -> None:
        """Binds rows and settings; `config` is that of `training_config`.

        Raises:
            DatasetError: a row that this model cannot be trained on.
            InvalidSettingError: instructs for a model that follows none.
        """
        self.config, self.settings = config, settings
        self._rows, self._tokenizer = rows, tokenizer
        self._builder = PromptBuilder(config, tokenizer)
        self._by_speaker: dict[str, list[int]] = {}
        for index, encoded in enumerate(rows):
            _check(encoded, config)
            self._by_speaker.setdefault(encoded.row.speaker, []).append(index)
        self._check_instructs()

    def __len__(self) -> int:
        return len(self._rows)

    def with_settings(self, settings: TrainSettings) -> SequenceMaker:
        """Returns a maker of the same rows by other settings."""
        return SequenceMaker(self.config, self._tokenizer, self._rows, settings)

    @property
    def num_frames(self) -> list[int]:
        """Returns the target frames of every row."""
        return [len(encoded.codes) for encoded in self._rows]

    def _check_instructs(self) -> None:
        config = self.config
        follows = config.kind == "design" or (config.kind == "custom" and config.size != "0.6b")
        with_instruct = [e.row.id for e in self._rows if e.row.instruct]
        if with_instruct and not follows and self.settings.rates.instruct > 0:
            raise InvalidSettingError(
                f"{len(with_instruct)} rows have an instruct (first: {with_instruct[0]}), but a "
                f"{config.size} {config.kind} model is never given one when it speaks; choose a "
                "1.7B CustomVoice target, or train without them: --instruct-rate 0."
            )

    def variant(self, index: int, epoch: int) -> Variant:
        """Draws the form of a row in an epoch."""
        return self._draw(index, np.random.default_rng((self.settings.seed, epoch, index)))

    def _draw(self, index: int, rng: np.random.Generator) -> Variant:
        encoded, rates = self._rows[index], self.settings.rates
        # Always five numbers, whatever they decide: what is drawn later does not shift.
        layout, language, instruct, voicing, reference = rng.random(5)
        chosen = self._voicing(encoded, rates, float(voicing))
        other = self._reference(index, float(reference)) if chosen == "icl" else None
        if chosen == "icl" and other is None and encoded.ref_codes is None:
            chosen = "x_vector"  # the speaker's only clip
        return Variant(
            layout="at_once" if layout < rates.at_once else "per_frame",
            names_language=encoded.row.language != "auto" and language < rates.language,
            gives_instruct=bool(encoded.row.instruct) and instruct < rates.instruct,
            voicing=chosen,
            reference=other,
        )

    def _voicing(self, encoded: EncodedRow, rates: VariantRates, number: float) -> Voicing:
        if self.config.kind == "design":
            return "none"
        clones = self.config.speaker_encoder is not None and encoded.x_vector is not None
        if clones and number < rates.icl:
            return "icl"
        if clones and (self.config.kind == "base" or number < rates.icl + rates.x_vector):
            return "x_vector"
        return "preset"

    def _reference(self, index: int, number: float) -> int | None:
        if self._rows[index].ref_codes is not None:
            return None
        others = [i for i in self._by_speaker[self._rows[index].row.speaker] if i != index]
        return others[int(number * len(others))] if others else None

    def make(self, index: int, epoch: int) -> TrainingSequence:
        """Returns the row's sequence of an epoch.

        Raises:
            RequestError: the prompt builder refuses the row; the message names what and why.
        """
        rng = np.random.default_rng((self.settings.seed, epoch, index))
        return self.make_variant(index, self._draw(index, rng), rng)

    def make_variant(
        self, index: int, variant: Variant, rng: np.random.Generator
    ) -> TrainingSequence:
        """Returns the row's sequence in a given form."""
        codes = self._rows[index].codes
        count = max(1, round(self.settings.predictor_share * len(codes)))
        return TrainingSequence(
            prompt=self._builder.build(self.spec(index, variant)),
            codes=codes,
            picked=np.sort(rng.choice(len(codes), count, replace=False)),
        )

    def spec(self, index: int, variant: Variant) -> PromptSpec:
        """Returns what the prompt builder is asked for."""
        encoded = self._rows[index]
        row, source = encoded.row, encoded
        ref_text, ref_codes = row.ref_text, encoded.ref_codes
        if variant.reference is not None:
            source = self._rows[variant.reference]
            ref_text, ref_codes = source.row.text, source.codes
        is_icl, is_preset = variant.voicing == "icl", variant.voicing == "preset"
        return PromptSpec(
            text=row.text,
            language=row.language if variant.names_language else "auto",
            speaker=row.speaker if is_preset else None,
            instruct=row.instruct if variant.gives_instruct else None,
            x_vector=source.x_vector if variant.voicing in ("x_vector", "icl") else None,
            ref_codes=ref_codes if is_icl else None,
            ref_text=ref_text if is_icl else None,
            text_layout=variant.layout,
        )


def _check(encoded: EncodedRow, config: ModelConfig) -> None:
    row, books = encoded.row, config.talker.num_codebooks
    if row.language not in config.languages:
        raise DatasetError(
            f"{row.id}: language {row.language!r} is not one of this model "
            f"({', '.join(config.languages)}); name one of these, or auto, and check again."
        )
    if encoded.codes.ndim != 2 or encoded.codes.shape[1] != books or not len(encoded.codes):
        raise DatasetError(
            f"{row.id}: codes have shape {list(encoded.codes.shape)}, this model takes "
            f"[F, {books}] with F >= 1; encode the data with this model's codec."
        )
    if config.kind == "base" and encoded.x_vector is None:
        raise DatasetError(
            f"{row.id} has no x-vector, which a Base model needs; encode the data again with "
            "--speaker-encoder."
        )
