"""What the public package says about a row of training, by its own classes.

Two readings of one row: what the released weights were trained on (each position is scored on the
frame that generation would draw there), and what the public fine-tuning script scores instead. Runs
in the public package's environment and must not import intone.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

Result = dict[str, Tensor]
IGNORED = -100


class _Caught(Exception):
    """Ends `generate` once the prompt is embedded."""


@dataclass
class TeacherForced:
    """One row, read once by the talker."""

    rows: Tensor
    """Prompt and frames embedded, [P + F, H]."""
    num_prompt_rows: int
    codes: Tensor
    """[F, K]"""
    hidden: Tensor
    """[P + F, H]"""

    @property
    def before_frames(self) -> Tensor:
        """The hidden rows [F, H] from which generation draws the frames."""
        return self.hidden[self.num_prompt_rows - 1 : -1]

    @property
    def on_frames(self) -> Tensor:
        """The hidden rows [F, H] that have read the frames already."""
        return self.hidden[self.num_prompt_rows :]


def run_training(tts: Any, case: dict[str, Any]) -> Result:
    """Returns losses by frame and codebook, and what the public script makes of the same row.

    Keys: "talker_ce" [F + 1], the last of it the end; "predictor_ce" [F, K - 1]; and scalars
    "script_talker", "script_predictor" and their parts, see `script_losses`.
    """
    model = tts.model
    row = teacher_force(tts, case)
    eos = torch.tensor([model.config.talker_config.codec_eos_token_id])
    drawn = row.hidden[row.num_prompt_rows - 1 :]
    targets = torch.cat([row.codes[:, 0], eos])
    talker_ce = cross_entropy(model.talker.codec_head(drawn), targets, reduction="none")
    return {
        "talker_ce": talker_ce,
        "predictor_ce": predictor_ce(model, row.codes, row.before_frames),
        **script_losses(model, row),
        **without_projection(tts, case),
    }


def predictor_ce(model: Any, codes: Tensor, hidden: Tensor) -> Tensor:
    """Returns the cross-entropies [F, K - 1] of codebooks 1 to K-1, each under its own head."""
    logits, _ = model.talker.forward_sub_talker_finetune(codes, hidden)
    return cross_entropy(logits.transpose(1, 2), codes[:, 1:], reduction="none")


def script_losses(model: Any, row: TeacherForced) -> Result:
    """Returns the script's own losses, taken from the library calls that it makes, and parts.

    "script_talker" moves the labels twice, so frame j is scored on frame j + 2's position;
    "script_predictor" moves them across heads and reads the hidden row that knows the frame.
    "shifted_predictor" and "leaking_predictor" have one of these two faults each.
    """
    eos_id = model.config.talker_config.codec_eos_token_id
    labels = torch.full((1, len(row.rows) + 1), IGNORED)
    labels[0, row.num_prompt_rows : -1] = row.codes[:, 0]
    labels[0, -1] = eos_id
    mask = torch.ones((1, len(row.rows)), dtype=torch.long)
    out = model.talker(inputs_embeds=row.rows[None], attention_mask=mask, labels=labels[:, 1:])
    _, script = model.talker.forward_sub_talker_finetune(row.codes, row.on_frames)
    _, shifted = model.talker.forward_sub_talker_finetune(row.codes, row.before_frames)
    return {
        "script_talker": out.loss,
        "script_predictor": script,
        "shifted_predictor": shifted,
        "leaking_predictor": predictor_ce(model, row.codes, row.on_frames).mean(),
    }


def without_projection(tts: Any, case: dict[str, Any]) -> Result:
    """Returns the aligned talker loss with raw text rows; nothing where widths differ (0.6B)."""
    config = tts.model.config.talker_config
    if config.text_hidden_size != config.hidden_size:
        return {}
    talker = tts.model.talker
    projection, talker.text_projection = talker.text_projection, nn.Identity()
    try:
        row = teacher_force(tts, case)
    finally:
        talker.text_projection = projection
    logits = talker.codec_head(row.before_frames)
    return {"unprojected_talker": cross_entropy(logits, row.codes[:, 0])}


def teacher_force(tts: Any, case: dict[str, Any]) -> TeacherForced:
    """Returns the row as the talker reads it when every frame is given."""
    talker, codes = tts.model.talker, torch.tensor(case["codes"])
    prompt, trailing, pad = embedded_prompt(tts, case)
    rows = torch.cat([prompt, frame_rows(talker, codes, trailing, pad)])
    mask = torch.ones((1, len(rows)), dtype=torch.long)
    out = talker(inputs_embeds=rows[None], attention_mask=mask, output_hidden_states=True)
    return TeacherForced(rows, len(prompt), codes, out.hidden_states[0][-1][0])


def frame_rows(talker: Any, codes: Tensor, trailing: Tensor, pad: Tensor) -> Tensor:
    """Returns the rows [F, H] that carry frames, text side included."""
    rows = talker.get_input_embeddings()(codes[:, 0])
    for book, table in enumerate(talker.code_predictor.get_input_embeddings(), start=1):
        rows = rows + table(codes[:, book])
    tail = pad.expand(max(0, len(codes) - len(trailing)), -1)
    return rows + torch.cat([trailing, tail])[: len(codes)]


def embedded_prompt(tts: Any, case: dict[str, Any]) -> tuple[Tensor, Tensor, Tensor]:
    """Returns prompt rows [P, H], trailing text rows [M, H] and the padding row [1, H]."""
    instruct, ref_text = case["instruct"], case["ref_text"]
    with caught_prompt(tts.model.talker) as caught:
        tts.model.generate(
            input_ids=tts._tokenize_texts([tts._build_assistant_text(case["text"])]),
            instruct_ids=[
                tts._tokenize_texts([tts._build_instruct_text(instruct)])[0] if instruct else None
            ],
            ref_ids=[tts._tokenize_texts([tts._build_ref_text(ref_text)])[0] if ref_text else None],
            voice_clone_prompt=clone_prompt(case),
            languages=[case["language"]],
            speakers=[case["speaker"]],
            non_streaming_mode=case["text_layout"] == "at_once",
        )
    return (
        caught["inputs_embeds"][0],
        caught["trailing_text_hidden"][0],
        caught["tts_pad_embed"][0],
    )


def clone_prompt(case: dict[str, Any]) -> dict[str, Any] | None:
    """Returns the voice as `generate` takes it; None without an x-vector."""
    if case["x_vector"] is None:
        return None
    is_icl = case["ref_codes"] is not None
    return {
        "ref_code": [torch.tensor(case["ref_codes"])] if is_icl else None,
        "ref_spk_embedding": [torch.tensor(case["x_vector"])],
        "x_vector_only_mode": [not is_icl],
        "icl_mode": [is_icl],
    }


@contextmanager
def caught_prompt(talker: Any) -> Iterator[dict[str, Any]]:
    """Yields what `talker.generate` would have been given; nothing is generated."""
    caught: dict[str, Any] = {}
    generate = talker.generate

    def catch(**settings: Any) -> None:
        caught.update(settings)
        raise _Caught

    talker.generate = catch
    try:
        yield caught
    except _Caught:
        pass
    finally:
        talker.generate = generate
