"""From a run to a model directory, or an adapter."""
