"""Characters only: scripts with their tags, sentences, text as it is spoken, documents."""
