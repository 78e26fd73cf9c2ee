"""The codec decoder for many streams on one device: rows of state, recorded steps, kept voices."""
