"""Takes that are heard while they are made: their route and their figures."""
