"""Who speaks: the voice in the box, presets by name, people kept in files or cloned from a clip.

This room turns a person into a name or a `VoiceClonePrompt`; it knows nothing of takes or slots.
"""
