"""How one step runs on a device: caches, sampling, codec state, the eager runner.

This room knows slots, not requests: who waits, who joins and who leaves is the engine's business.
"""
