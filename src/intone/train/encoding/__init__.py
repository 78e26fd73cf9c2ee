"""From checked rows to codec frames and x-vectors on disk, and back."""
