"""Training speed and memory of `intone train run` beside the public fine-tuning script.

Both train the same random checkpoint on the same codes, the same number of rows an optimiser step,
one process at a time, in turns. This directory measures; it changes nothing in either trainer
beyond the replacements that `replacements.py` lists, without which the public script does not run.
"""
