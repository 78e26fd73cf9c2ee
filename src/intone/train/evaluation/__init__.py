"""How good a run's checkpoints are, heard and measured."""
