"""From long recordings to clips of a sentence."""
