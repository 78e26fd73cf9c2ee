"""What several tabs share: rows, notes, drafts, words."""
