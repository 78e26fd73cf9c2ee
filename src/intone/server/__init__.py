"""The HTTP surface: routes over the `Synthesizer` protocol, safe to leave running on a network.

Imports no torch and no engine: models come in through `ModelSource`, which the command line gives.
Needs the extra `intone[server]`.
"""
