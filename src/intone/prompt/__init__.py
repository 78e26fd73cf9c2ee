"""What the talker reads: text, voice and instruct turned into rows of ids.

One tokenizer, one builder for every mode, one product (`TalkerPrompt`). This room knows the
configuration of a checkpoint but none of its weights: embedding happens in the talker. Inference
and training build their prompts here, so that they cannot drift apart.
"""
