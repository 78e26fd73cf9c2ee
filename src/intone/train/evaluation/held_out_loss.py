"""A tuned checkpoint's loss on the run's held-out rows, as the run itself measures it."""

from __future__ import annotations

from pathlib import Path

import torch

from intone.models.checkpoint import Checkpoint, Placement
from intone.prompt.tokenizer import TextTokenizer
from intone.train.encoded import EncodedDataset
from intone.train.tuning.objective import TrainedVoice
from intone.train.tuning.sequences import SequenceMaker
from intone.train.tuning.settings import TrainSettings
from intone.train.tuning.validation import Losses, Validation, validation_maker


def held_out_losses(
    tuned: Path, dataset: EncodedDataset, settings: TrainSettings, device: torch.device
) -> Losses:
    """Returns the losses of a full checkpoint, computed in fp32.

    Args:
        tuned: directory in the official layout.
        settings: the run's: they choose the rows, their forms and the weight of the codebooks.
    """
    checkpoint = Checkpoint(tuned)
    rows = dataset.split("validation")
    maker = SequenceMaker(checkpoint.config, TextTokenizer.from_dir(tuned), rows, settings)
    place = Placement(device, torch.float32)
    talker, predictor = checkpoint.load_talker(place), checkpoint.load_code_predictor(place)
    voice = TrainedVoice(talker, predictor).eval()
    return Validation(validation_maker(maker), settings).losses(voice, device, lambda sums: sums)
