"""Training: the same prompts and the same networks that inference uses, and nothing above them.

Fine-tuning goes `check` -> `segment` -> `encode` -> `run` -> `eval` -> `export`; each stage reads
files that the one before wrote and can be run again. `from_scratch` makes the voice in the box.
"""
