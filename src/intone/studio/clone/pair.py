"""Two sounds side by side, and how alike they are, as HTML."""

from __future__ import annotations

from html import escape

from intone.studio.clone.comparing import Comparison, likeness_words


def pair_html(name: str, recording_url: str, take_url: str, compared: Comparison) -> str:
    """Returns the recording, the take, and the measured similarity."""
    likeness = compared.similarity
    words = f"Similarity {likeness_words(likeness)}." if likeness is not None else ""
    note = f"Similarity was not measured: {compared.note}." if likeness is None else ""
    return (
        '<div class="intone-pair">'
        f"{_side('A: the recording', recording_url, 'the recording')}"
        f"{_side(f'B: {name}', take_url, f'{name}, the new voice')}</div>"
        f'<p class="intone-likeness" role="status">{escape(words or note)}</p>'
    )


def _side(title: str, url: str, label: str) -> str:
    return (
        f'<div class="intone-card"><b>{escape(title)}</b>'
        f'<audio controls preload="metadata" src="{escape(url)}" aria-label="{escape(label)}">'
        "</audio></div>"
    )
