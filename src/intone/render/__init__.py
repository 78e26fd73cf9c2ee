"""From scripts and books to sound: plans, draws, seams and files.

This room speaks through the `Synthesizer` protocol alone; it knows no engine and no model.
"""
