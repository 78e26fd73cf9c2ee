"""Seeds that follow from a seed: for draws that must differ, and repeat."""

from __future__ import annotations

import hashlib
import json

from intone.core.types import MAX_SEED


def derived_seed(seed: int, *path: int | str) -> int:
    """Returns a seed, 0 to 2^63 - 1, that `seed` and `path` decide and that looks unlike both.

    ("a", 1) and ("a1",) are different paths.
    """
    digest = hashlib.blake2b(json.dumps([seed, *path]).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") & MAX_SEED
