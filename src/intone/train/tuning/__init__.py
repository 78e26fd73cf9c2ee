"""The run: sequences, batches, objective, optimiser, checkpoints."""
