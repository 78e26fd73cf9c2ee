"""The System tab: which models are in memory, and how to free and pull them."""
