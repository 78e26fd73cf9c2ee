"""What every batch size of frames and prompts shares: networks, tables, cache, state."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from intone.models.code_predictor import CodePredictor
from intone.models.layers import Attention, RotaryTable, Rotation
from intone.models.talker import Talker
from intone.runtime.frame.blocks import BlockHalves
from intone.runtime.frame.predictor import FramePredictor
from intone.runtime.frame.sampling import Draw, fastest_draw
from intone.runtime.frame.state import SlotState
from intone.runtime.frame.tables import FoldedTables
from intone.runtime.job import PageLayout
from intone.runtime.paged.cache import PagedCache
from intone.runtime.paged.decoding import RowAttention, row_attention


@dataclass(frozen=True, slots=True, eq=False)
class FrameNetworks:
    """Holds what steps work on; nothing here is replaced while a runner lives."""

    talker: Talker
    tables: FoldedTables
    predictor: FramePredictor
    halves: BlockHalves
    draw: Draw
    rotary: RotaryTable
    cache: PagedCache
    attend_rows: RowAttention
    state: SlotState
    table_width: int
    """Pages that a row's table has room for."""

    @classmethod
    def of(
        cls,
        talker: Talker,
        predictor: CodePredictor,
        tables: FoldedTables,
        halves: BlockHalves,
        *,
        num_slots: int,
        max_rows: int,
        layout: PageLayout,
        num_positions: int,
        prompt_positions: int,
    ) -> FrameNetworks:
        """Allocates every cache.

        Args:
            max_rows: of the largest batch.
            num_positions: rows of prompt and frames that one take may have.
            prompt_positions: rows of the longest prompt with its padding.
        """
        weight, block = talker.model.norm.weight, talker.config.block
        draw = fastest_draw(weight.device, talker.config.vocab_size)
        cache = PagedCache(block, layout, weight.device, weight.dtype)
        width = layout.pages_for(num_positions)
        return cls(
            talker=talker,
            tables=tables,
            predictor=FramePredictor(predictor, tables, halves, draw, max_rows),
            halves=halves,
            draw=draw,
            rotary=talker.rotary_table(max(num_positions, prompt_positions), weight.device),
            cache=cache,
            attend_rows=row_attention(
                cache, num_heads=block.num_heads, max_rows=max_rows, max_pages=width
            ),
            state=SlotState(talker, num_slots),
            table_width=width,
        )

    def talk(self, x: Tensor, rotation: Rotation, attend: Attention) -> Tensor:
        """Returns the talker's normed hidden rows [B, 1, H] of one new input row per take.

        Prompts go through the talker as it is: their products are large, and the compiler would
        have to see more shapes.
        """
        hidden: Tensor = self.talker.model.norm(
            self.halves.run(self.talker.model.layers, x, rotation, attend)
        )
        return hidden

    def keep(self, slots: Tensor, hidden: Tensor) -> None:
        """Stores last hidden rows [B, H] of slots [B], with the logits that follow from them."""
        self.state.keep(slots, hidden, self.talker.codec_head(hidden).float())
