"""What crosses rooms: frozen types, the error tree, constants, the `Synthesizer` protocol.

This room knows nothing of models, devices or files; it imports the standard library and numpy.
"""
