"""The one prompt builder: every mode, both text layouts, for inference and for training.

A prompt is, in this order (source: qwen-tts 0.1.1, `Qwen3TTSForConditionalGeneration.generate`):

    instruct      <|im_start|> user \\n ... <|im_end|> \\n   text side only
    role          <|im_start|> assistant \\n                text side only
    control       codec side: think language speaker pad   text side: tts_pad ... tts_bos
    streams       codec side: bos, reference frames        text side: words, tts_eos

The text layout says how the two streams meet. At once: first all words (codec side: pad), then
bos and the reference frames (text side: tts_pad). Per frame: side by side from their first rows;
words that are left over come one with each generated frame. Upstream calls this
`non_streaming_mode=True` and `False`. A prompt without reference is one with no reference frames.
"""

from __future__ import annotations

from dataclasses import replace
from typing import assert_never

import numpy as np

from intone.core.errors import (
    CheckpointError,
    EmptyTextError,
    TextTooLongError,
    UnsupportedModeError,
)
from intone.core.types import Codes, Samples, TextLayout
from intone.models.config import ModelConfig
from intone.prompt.live_text import LiveText
from intone.prompt.spec import (
    PromptSpec,
    check_mode,
    language_id,
    preset_name,
    reference_codes,
    text_layout,
)
from intone.prompt.talker_prompt import ABSENT, RowWriter, TalkerPrompt
from intone.prompt.tokenizer import TextTokenizer

__all__ = ["PromptBuilder", "PromptSpec"]


class PromptBuilder:
    """Builds `TalkerPrompt`s for one checkpoint; immutable, may be shared by threads."""

    def __init__(self, config: ModelConfig, tokenizer: TextTokenizer) -> None:
        """Binds configuration and tokenizer.

        Raises:
            CheckpointError: the two do not belong together.
        """
        self._config = config
        self._tokenizer = tokenizer
        self._user_ids = [config.im_start_id, *tokenizer.encode_role("user")]
        self._assistant_ids = [config.im_start_id, *tokenizer.encode_role("assistant")]
        self._check_special_ids()

    def build(self, spec: PromptSpec) -> TalkerPrompt:
        """Returns the prompt of one take.

        Raises:
            RequestError: the subclass says what does not fit this checkpoint.
        """
        words = self._tokenizer.encode(spec.text)
        if not words:
            raise EmptyTextError("text is empty; give at least one word to speak.")
        stream = [*words, self._config.tts_eos_id]
        return self._build(spec, stream, len(words), text_layout(spec, self._config))

    def live_text(self) -> LiveText:
        """Returns an empty text, to be fed while a take reads it."""
        return LiveText(self._tokenizer.encode_exactly, self._config.tts_eos_id)

    def can_begin(self, spec: PromptSpec, live: LiveText) -> bool:
        """Whether enough of a live text is known for its prompt.

        One token, but beside the frames of an ICL reference as many as fill them: the model was
        taught so.
        """
        num_frames = 0 if spec.ref_codes is None else len(spec.ref_codes)
        needed = 1 + num_frames - len(self._reference_words(spec))
        return live.is_finished or len(live.ids) >= max(1, needed)

    def build_live(self, spec: PromptSpec, live: LiveText) -> TalkerPrompt:
        """Returns the prompt of a take whose text is still being written; `spec.text` is unused.

        Raises:
            RequestError: the subclass says what does not fit this checkpoint.
            ValueError: `can_begin` says no.
        """
        if spec.text_layout == "at_once":
            raise UnsupportedModeError(
                "text_layout is 'at_once', but text that arrives while it is spoken comes one "
                "token with each frame; leave it out, or say per_frame."
            )
        if not self.can_begin(spec, live):
            raise ValueError("too little of the text is known")
        ids = list(live.ids)
        if not live.has_words:
            raise EmptyTextError("text is empty; give at least one word to speak.")
        num_words = len(ids) - (ids[-1] == self._config.tts_eos_id)
        prompt = self._build(spec, ids, num_words, "per_frame")
        return replace(prompt, live=live, live_start=len(ids))

    def _build(
        self, spec: PromptSpec, words: list[int], num_words: int, layout: TextLayout
    ) -> TalkerPrompt:
        """Returns a prompt that reads these ids after the reference's."""
        check_mode(spec, self._config)
        preset = preset_name(spec, self._config)
        language = language_id(spec.language, preset, self._config)
        codes = reference_codes(spec, self._config)

        rows = RowWriter(self._config.talker.num_codebooks)
        self._add_instruct(rows, spec.instruct)
        rows.add(self._assistant_ids)
        speaker_row = self._add_control(rows, language, preset, spec.x_vector)
        stream = [*self._reference_words(spec), *words]
        trailing = self._add_streams(rows, stream, codes, layout)
        self._check_length(len(rows) + len(trailing))
        return TalkerPrompt(
            text_ids=rows.text_ids(),
            codec_ids=rows.codec_ids(),
            speaker_row=speaker_row,
            x_vector=spec.x_vector,
            trailing_text_ids=np.array(trailing, dtype=np.int64),
            pad_text_id=self._config.tts_pad_id,
            ref_codes=spec.ref_codes,
            num_text_tokens=num_words,
        )

    def _reference_words(self, spec: PromptSpec) -> list[int]:
        if spec.ref_codes is None or spec.ref_text is None:
            return []
        return self._tokenizer.encode(spec.ref_text)

    def _add_instruct(self, rows: RowWriter, instruct: str | None) -> None:
        words = self._tokenizer.encode(instruct or "")
        if words:
            line_break_id = self._assistant_ids[-1]
            rows.add([*self._user_ids, *words, self._config.im_end_id, line_break_id])

    def _add_control(
        self, rows: RowWriter, language: int | None, preset: str | None, x_vector: Samples | None
    ) -> int | None:
        """Adds the rows that name language and speaker; returns the x-vector's row."""
        talker = self._config.talker
        if language is None:
            codec_ids = [talker.codec_nothink_id, talker.codec_think_bos_id]
        else:
            codec_ids = [talker.codec_think_id, talker.codec_think_bos_id, language]
        codec_ids.append(talker.codec_think_eos_id)
        speaker_row = None
        if preset is not None:
            codec_ids.append(talker.speaker_ids[preset])
        elif x_vector is not None:
            speaker_row = len(rows) + len(codec_ids)
            codec_ids.append(ABSENT)
        for codec_id in codec_ids:
            rows.add([self._config.tts_pad_id], codec_id)
        rows.add([self._config.tts_bos_id], talker.codec_pad_id)
        return speaker_row

    def _add_streams(
        self, rows: RowWriter, stream: list[int], codes: Codes, layout: TextLayout
    ) -> list[int]:
        """Adds the text stream and the codec stream; returns the text that is left over."""
        talker, pad_id = self._config.talker, self._config.tts_pad_id
        num_codec_rows = 1 + len(codes)
        if layout == "at_once":
            rows.add(stream, talker.codec_pad_id)
            beside, left_over = [pad_id] * num_codec_rows, []
        elif layout == "per_frame":
            padding = [pad_id] * (num_codec_rows - len(stream))
            beside, left_over = stream[:num_codec_rows] + padding, stream[num_codec_rows:]
        else:
            assert_never(layout)
        rows.add(beside[:1], talker.codec_bos_id)
        rows.add_frames(beside[1:], codes)
        return left_over

    def _check_length(self, num_positions: int) -> None:
        max_positions = self._config.talker.max_positions
        if num_positions >= max_positions:
            raise TextTooLongError(
                f"text and reference take {num_positions} of {max_positions} positions; "
                "no room is left for sound. Split the text; `intone book FILE` does so."
            )

    def _check_special_ids(self) -> None:
        config, tokenizer = self._config, self._tokenizer
        pairs = {
            "<|im_start|>": (tokenizer.special_id("<|im_start|>"), config.im_start_id),
            "<|im_end|>": (tokenizer.special_id("<|im_end|>"), config.im_end_id),
            "<tts_pad>": (tokenizer.special_id("<tts_pad>"), config.tts_pad_id),
            "<tts_text_bos>": (tokenizer.special_id("<tts_text_bos>"), config.tts_bos_id),
            "<tts_text_eod>": (tokenizer.special_id("<tts_text_eod>"), config.tts_eos_id),
            # Upstream cuts the role off by counting three ids, so it must be exactly three.
            "assistant": (self._assistant_ids[1:-1], [config.assistant_id]),
        }
        for content, (tokenizer_id, config_id) in pairs.items():
            if tokenizer_id != config_id:
                raise CheckpointError(
                    f"{content!r} is {tokenizer_id} for the tokenizer and {config_id} in "
                    "config.json; the files are from different checkpoints. Pull the model again."
                )
