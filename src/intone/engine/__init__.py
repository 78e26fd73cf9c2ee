"""Who runs when: request states, the scheduler, the one decode loop, cancellation.

This room knows requests and slots; how a step runs is behind the `Runner` protocol, and
how frames become audio behind `AudioDecoder`.
"""
