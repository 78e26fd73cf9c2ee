"""Measures a speech server under load: requests arrive when they arrive, done or not the last one.

`arrivals` says when, `load` asks and listens with the ears of `listening`, `report` sums up.
"""
