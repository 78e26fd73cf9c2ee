"""Training: the same prompts and the same networks that inference uses, and nothing above them."""
