"""What the public fine-tuning script optimises, beside what generation draws, as figures.

Two demonstrations, both judged by the public package's own classes: how a model that speaks well is
scored by either objective, and what a model has learnt of four clips after training by either.
"""
