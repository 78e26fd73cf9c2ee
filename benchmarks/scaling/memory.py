"""What a replica on a GPU keeps in memory, counted from configurations: nothing is loaded.

`python -m benchmarks.scaling.memory --json OUT`
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from benchmarks.scaling.takes import MEAN_AUDIO_S

from intone.core.constants import FRAME_RATE_HZ, SAMPLE_RATE_HZ
from intone.models.codec.decoder import CodecDecoder
from intone.models.released import RELEASED_SIZES, ReleasedSize, released_description
from intone.models.weight_counts import CodecWeights, code_predictor_weights, talker_weights
from intone.runtime.codec_slots.arena import StreamArena
from intone.runtime.graph_opening import PAGE_POSITIONS
from intone.runtime.paged.cache import PagedCache

_SLOTS = 64
_PROMPT_ROWS = 70
"""Of a sentence of 77 characters in its template: docs/cpu.md."""
_BF16 = torch.bfloat16


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """Bytes of one replica in bf16, its codec in fp32."""

    size: str
    weights_bytes: int
    """Talker, code predictor and codec decoder."""
    tables_bytes: int
    """Embeddings: of codes twice, as talker and code predictor read them, and of all the text."""
    position_bytes: int
    """Keys and values of one row of a prompt or one frame."""
    page_bytes: int
    pages_of_usual_take: int
    codec_state_bytes: int
    """Of one stream; each slot has two."""
    slots: int
    streams_bytes: int
    """Of that many usual takes: pages and codec states."""

    @classmethod
    def of(cls, size: ReleasedSize) -> Memory:
        """Counts."""
        description = released_description(size)
        talker, predictor = description.config.talker, description.config.code_predictor
        decoder = description.codec.decoder
        codec = CodecWeights.of(decoder)
        with torch.device("meta"):
            state_bytes = StreamArena.row_bytes(CodecDecoder(decoder))
        page_bytes = PagedCache.page_bytes(talker.block, PAGE_POSITIONS, _BF16)
        rows = _PROMPT_ROWS + round(MEAN_AUDIO_S * FRAME_RATE_HZ)
        pages = -(-rows // PAGE_POSITIONS)
        others = predictor.num_codebooks - 1
        codes = talker.vocab_size + others * predictor.vocab_size
        into = talker.vocab_size + (others - 1) * predictor.vocab_size
        tables = (talker.text_vocab_size + codes) * talker.hidden_size
        return cls(
            size=size,
            weights_bytes=2 * (talker_weights(talker) + code_predictor_weights(predictor))
            + 4 * (codec.codebooks + codec.dilated + codec.other),
            tables_bytes=2 * (tables + into * predictor.block.hidden_size),
            position_bytes=PagedCache.page_bytes(talker.block, 1, _BF16),
            page_bytes=page_bytes,
            pages_of_usual_take=pages,
            codec_state_bytes=state_bytes,
            slots=_SLOTS,
            streams_bytes=_SLOTS * (pages * page_bytes + 2 * state_bytes),
        )


def main() -> None:
    """Counts, prints and writes."""
    parser = argparse.ArgumentParser(description="Count what a replica keeps in memory.")
    parser.add_argument("--json", type=Path, required=True)
    args = parser.parse_args()
    found = [Memory.of(size) for size in RELEASED_SIZES]
    for memory in found:
        print(memory)
    result = {
        "suite": "scaling-memory",
        "prompt_rows": _PROMPT_ROWS,
        "pcm_bytes_per_s": 2 * SAMPLE_RATE_HZ,
        "models": [asdict(memory) for memory in found],
    }
    args.json.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
