"""Runs the public qwen-tts package and writes down what it computes. For its own environment only.

    python upstream.py JOB.json OUT.safetensors

The job names a checkpoint directory and lists what to run; the results are tensors by name. This
file must not import intone: it is the other side of the comparison.
"""

from __future__ import annotations

import json
import sys
import types
from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers  # noqa: F401  (looks for torchaudio on import: must come before the stand-in)
from safetensors.torch import save_file

Result = dict[str, torch.Tensor]


def provide_torchaudio() -> None:
    """Stands in for torchaudio, which qwen-tts imports for a model that was never released."""
    for name in ("torchaudio", "torchaudio.compliance", "torchaudio.compliance.kaldi"):
        module = types.ModuleType(name)
        module.__spec__ = ModuleSpec(name, None)
        sys.modules[name] = module
    sys.modules["torchaudio.compliance"].kaldi = sys.modules[name]  # type: ignore[attr-defined]
    sys.modules["torchaudio"].compliance = sys.modules["torchaudio.compliance"]  # type: ignore[attr-defined]


class Recorder:
    """Listens to one model's `generate` calls."""

    def __init__(self, model: Any) -> None:
        self._model = model
        self._talker_generate = model.talker.generate
        self._generate = model.generate
        model.talker.generate = self._listen_to_talker
        model.generate = self._listen
        self.embeddings = self.trailing = self.pad = self.codes = torch.empty(0)

    def _listen_to_talker(self, **settings: Any) -> Any:
        self.embeddings = settings["inputs_embeds"][0].clone()
        self.trailing = settings["trailing_text_hidden"][0].clone()
        self.pad = settings["tts_pad_embed"][0].clone()
        return self._talker_generate(**settings)

    def _listen(self, **settings: Any) -> Any:
        codes, hidden = self._generate(**settings)
        self.codes = codes[0].clone()
        return codes, hidden


def greedy_settings(num_frames: int) -> dict[str, Any]:
    # The last codebook 0 that upstream draws is never made into a frame.
    return {"do_sample": False, "subtalker_dosample": False, "max_new_tokens": num_frames + 1}


def speak(tts: Any, case: dict[str, Any]) -> np.ndarray:
    """Makes one take in the case's mode; returns its samples."""
    from qwen_tts.inference.qwen3_tts_model import VoiceClonePromptItem

    common = {
        "text": case["text"],
        "language": case["language"],
        "non_streaming_mode": case["text_layout"] == "at_once",
        **greedy_settings(case["num_frames"]),
    }
    if case["mode"] == "custom":
        return tts.generate_custom_voice(
            speaker=case["speaker"], instruct=case["instruct"], **common
        )[0][0]
    if case["mode"] == "design":
        return tts.generate_voice_design(instruct=case["instruct"] or "", **common)[0][0]
    ref_codes = case["ref_codes"]
    item = VoiceClonePromptItem(
        ref_code=None if ref_codes is None else torch.tensor(ref_codes),
        ref_spk_embedding=torch.tensor(case["x_vector"]),
        x_vector_only_mode=ref_codes is None,
        icl_mode=ref_codes is not None,
        ref_text=case["ref_text"],
    )
    return tts.generate_voice_clone(voice_clone_prompt=[item], **common)[0][0]


def frame_rows(model: Any, record: Recorder) -> torch.Tensor:
    """Returns the rows [F, H] that carry the recorded frames, text side included."""
    talker, codes = model.talker, record.codes
    rows = talker.get_input_embeddings()(codes[:, 0])
    for book, table in enumerate(talker.code_predictor.get_input_embeddings(), start=1):
        rows = rows + table(codes[:, book])
    tail = record.pad.expand(max(0, len(codes) - len(record.trailing)), -1)
    return rows + torch.cat([record.trailing, tail])[: len(codes)]


def teacher_forced(model: Any, record: Recorder) -> Result:
    """Returns the talker's and the code predictor's logits over the recorded take."""
    rows = torch.cat([record.embeddings, frame_rows(model, record)])[None]
    mask = torch.ones(rows.shape[:2], dtype=torch.long)
    out = model.talker(inputs_embeds=rows, attention_mask=mask, output_hidden_states=True)
    hidden = out.hidden_states[0][-1][0]
    before_frames = hidden[len(record.embeddings) - 1 : -1]
    predicted, _ = model.talker.forward_sub_talker_finetune(record.codes, before_frames)
    return {"talker_logits": out.logits[0], "predictor_logits": predicted}


def run_case(tts: Any, record: Recorder, case: dict[str, Any]) -> Result:
    samples = speak(tts, case)
    result = {
        "embeddings": record.embeddings,
        "trailing": record.trailing,
        "codes": record.codes,
        "samples": torch.from_numpy(np.array(samples)),
    }
    if case["with_logits"]:
        result |= teacher_forced(tts.model, record)
    return result


class _Caught(Exception):
    """Ends a `generate` call from the inside."""


def run_distribution(tts: Any, case: dict[str, Any]) -> Result:
    """Returns the probabilities that upstream draws from, given logits and the ids before.

    The logits processors are the very list that `generate` makes: it is caught on its way to
    transformers' sampling loop.
    """
    caught: list[Any] = []

    def catch(network: Any, input_ids: Any, logits_processor: Any, **_: Any) -> None:
        caught.append(logits_processor)
        raise _Caught

    talker = tts.model.talker
    is_talker = case["network"] == "talker"
    network = type(talker if is_talker else talker.code_predictor)
    prefix = "" if is_talker else "subtalker_"
    settings = {prefix + name: value for name, value in case["settings"].items()}
    speaker = tts.get_supported_speakers()[0]
    network._sample = catch
    try:
        tts.generate_custom_voice(text="a", speaker=speaker, max_new_tokens=4, **settings)
    except _Caught:
        pass
    finally:
        del network._sample
    history = torch.tensor([case["history"]], dtype=torch.long)
    scores = caught[0](history, torch.tensor([case["logits"]]))
    return {"probabilities": scores.softmax(dim=-1)[0]}


def run_reference(tts: Any, case: dict[str, Any]) -> Result:
    """Returns codes and x-vector of a reference clip."""
    clip = (np.array(case["samples"], dtype=np.float32), case["sample_rate_hz"])
    item = tts.create_voice_clone_prompt(ref_audio=clip, ref_text="a")[0]
    return {"codes": item.ref_code, "x_vector": item.ref_spk_embedding}


def run_token_ids(tts: Any, case: dict[str, Any]) -> Result:
    """Returns the ids of a text inside upstream's chat string, cut as upstream cuts it."""
    ids = tts._tokenize_texts([tts._build_assistant_text(case["text"])])[0][0]
    return {"ids": ids[3:-5], "head": ids[:3]}


def run(job: dict[str, Any]) -> Result:
    provide_torchaudio()
    from qwen_tts import Qwen3TTSModel
    from upstream_training import run_training

    torch.set_num_threads(job["threads"])
    tts = Qwen3TTSModel.from_pretrained(job["checkpoint"], dtype=torch.float32)
    tts.model.eval()
    record = Recorder(tts.model)
    runs = {
        "take": lambda case: run_case(tts, record, case),
        "distribution": lambda case: run_distribution(tts, case),
        "reference": lambda case: run_reference(tts, case),
        "token_ids": lambda case: run_token_ids(tts, case),
        "training": lambda case: run_training(tts, case),
    }
    results: Result = {}
    with torch.inference_mode():
        for case in job["cases"]:
            for name, tensor in runs[case["task"]](case).items():
                results[f"{case['name']}/{name}"] = tensor.detach().clone().contiguous()
    return results


if __name__ == "__main__":
    job_path, out_path = sys.argv[1:]
    save_file(run(json.loads(Path(job_path).read_text(encoding="utf-8"))), out_path)
