"""Who speaks: the voice in the box, presets by name, voices cloned from a clip.

This room turns a person into a name or a `VoiceClonePrompt`; it knows nothing of takes or slots.
"""
