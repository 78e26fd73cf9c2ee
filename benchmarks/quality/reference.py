"""What the voice is measured against: the teacher's own sound, and the codec without a talker."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import numpy.typing as npt
import torch

from intone.models.checkpoint import Checkpoint
from intone.train.from_scratch.clips import Symbols, read_clips, shard_paths
from intone.train.from_scratch.recipe import PHONEMES, PRESETS
from intone.train.from_scratch.teacher import Order, Teacher, write_shards

_SHARD = 100


@dataclass(frozen=True, slots=True, eq=False)
class Reference:
    """One sentence by the teacher, and the same plan through the built-in codec."""

    text: str
    speaker: str
    teacher: npt.NDArray[np.float32]
    codec: npt.NDArray[np.float32]


def references(
    texts: Sequence[str], kokoro: Path, checkpoint: Path, cache: Path | None = None
) -> Iterator[Reference]:
    """Yields every sentence as the teacher says it, presets in turn as the voice is measured.

    Args:
        texts: sentences, each heard once.
        kokoro: folder of the teacher.
        checkpoint: whose codec decodes the teacher's plans.
        cache: folder that keeps the teacher's sound; a temporary one where None.
    """
    if cache is None:
        with TemporaryDirectory() as folder:
            yield from references(texts, kokoro, checkpoint, Path(folder))
        return
    teacher = Teacher(kokoro, with_sound=True)
    for i, voice in enumerate(PRESETS.values()):
        spoken = texts[i :: len(PRESETS)]
        order = Order(
            texts=spoken, voices=[voice], split="val", plans=cache / "plans",
            sound=cache / "sound", shards=-(-len(spoken) // _SHARD),
        )  # fmt: skip
        write_shards(teacher, order)
    decoder = Checkpoint(checkpoint).load_codec_decoder(torch.device("cpu"))
    symbols = Symbols(PHONEMES)
    for path in shard_paths(cache / "plans", "val"):
        for clip in read_clips(cache / "sound" / path.parent.name / path.name, path):
            codes = torch.from_numpy(clip.plan.codes(symbols)).t()[None]
            with torch.inference_mode():
                samples = decoder(codes)[0].numpy()
            yield Reference(clip.plan.text, clip.plan.speaker, clip.samples, samples)
