"""What the engine needs of a codec: a stream per take, opened once and continued in order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, TypeVar

from intone.core.types import Codes, Samples


class AudioStream(Protocol):
    """What a codec remembers of one take; what that is, its decoder alone knows."""

    @property
    def num_frames(self) -> int:
        """Frames of the take that are audio; a reference it was warmed with is not counted."""
        ...


StreamT = TypeVar("StreamT", bound=AudioStream)


class AudioDecoder(Protocol[StreamT]):
    """Turns frames into audio; called from the codec's thread only. A fake is a dozen lines.

    A decoder may raise an IntoneError for what it was given; every stream is then as it was before
    the call.
    """

    @property
    def max_call_frames(self) -> int:
        """Frames of all streams that one call is best given; more are hardly cheaper each."""
        ...

    @property
    def max_joined_frames(self) -> int:
        """Up to how many frames waiting chunks of one take may become one call; 0: never.

        Larger calls round differently, in a sample's last bit: worth it where a call costs the
        same whatever its size.
        """
        ...

    def open(self, ref_codes: Codes | None) -> StreamT:
        """Returns a new stream, warmed with the ICL reference [F, K] if given; no audio of it.

        It is given back by `release`, once; a decoder may have room for some streams only.
        """
        ...

    def decode(self, streams: Sequence[StreamT], codes: Sequence[Codes]) -> list[Samples]:
        """Returns the samples [F * 1920] of each stream's next frames [F, K].

        All have the same F, at least 1; no stream comes twice.
        """
        ...

    def release(self, stream: StreamT) -> None:
        """Takes a stream back that nobody will decode any more; its room is free at once."""
        ...

    def close(self) -> None:
        """Frees the codec's memory, and that of every stream that was not released."""
        ...
