"""Voices over HTTP: those of the models and those that are kept, made, moved and designed."""
