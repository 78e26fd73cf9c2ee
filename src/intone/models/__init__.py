"""The networks and their weights; they know nothing of requests, voices or time.

Shapes are written in one notation, everywhere in Intone:

    B batch        T steps (rows of the talker)   F codec frames   K codebooks
    H hidden size  N attention heads              D head size      V vocabulary
    S samples      P pages
"""
