"""What the small precisions cost in quality, beside fp32.

    python -m benchmarks.quality.precision forced --out FILE [--model DIR]
    python -m benchmarks.quality.precision takes --out FILE --recogniser DIR
    python -m benchmarks.quality.precision codec --out FILE [--model DIR]

`forced` gives every precision the same histories of frames and compares what it would draw next
with torch in fp32. A precision is fp32 or bf16 (torch), fp32-graph, int8 or int4 (the built graphs,
which users run), or one for each network: `int8/fp32-graph` quantises the talker alone. Histories
are takes of the model itself, or random frames where weights are random (`--random-frames`).

`takes` speaks sentences through the public Python interface with the same seeds in every
precision, and compares words heard, speaker and length sentence by sentence. What the recogniser is
and where the judges come from: `benchmarks/quality/__init__.py`.

`codec` compares the samples of the codec's graph with torch's in fp32.
"""
