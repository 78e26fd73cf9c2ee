"""How well a voice is understood, how it sounds, and whether its speakers are told apart.

    python -m benchmarks.quality --recogniser DIR [--model NAME] [--teacher KOKORO] [--out FILE]

    python -m benchmarks.quality.scripts --recogniser DIR    tags, and one voice over a long text

Every sentence is spoken once through the public Python interface, with its own seed, by the presets
in turn. Both texts are compared in lower case, without punctuation, numbers in words.

The recogniser is Moonshine tiny (MIT), quantised ONNX. DIR holds three files:

    encoder_model.onnx, decoder_model_merged.onnx   npm @moonshine-ai/moonshine-js 0.1.29,
                                                    dist/model/tiny/quantized/
    tokenizer.json                                  PyPI useful-moonshine, moonshine/assets/

Not dependencies of Intone: `pip install onnxruntime speechmos resemblyzer`, and for `--teacher`
what `intone.train.from_scratch.teacher` names. Without speechmos or resemblyzer their figures are
left out.
"""
