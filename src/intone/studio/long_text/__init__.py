"""The Long text tab: documents that are read in the background."""
