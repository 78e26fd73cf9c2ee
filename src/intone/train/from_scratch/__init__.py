"""The built-in voice, from an openly licensed teacher to a checkpoint in the official layout.

In order: `texts` (what is read), `teacher` and `student` (how it is read), `codec_stage` (codes to
log-mels), `wave_stage` (log-mels to sound), `talker_stage` (text to codes), `speaker_stage` (clips
to speakers), `export`. `docs/built-in-voice.md` tells why it is cut this way and what came out.
"""
