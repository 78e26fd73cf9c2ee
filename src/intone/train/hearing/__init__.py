"""Recognisers of speech, all optional, and the errors between a text and what was heard."""
