"""Speed and memory of speaking, measured one way for every checkpoint and setting.

Each contestant (Intone, and on request the public qwen-tts package) is a process of its own that
loads once and then makes takes of a fixed number of frames when told to; takes alternate between
contestants, and medians are reported. This room measures; it changes nothing and judges nothing.
"""
