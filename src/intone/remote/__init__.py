"""The same `Synthesizer` against a server: Intone's, or any other that has OpenAI's speech route.

`remote_tts` is what callers see. `dialects` and `bodies` say what a server can be asked for,
`decoding` and `taking` turn what it answers into chunks, `sending` holds the connections,
`problems` the errors. Nothing here loads a model.
"""

from __future__ import annotations

from intone.remote.remote_tts import RemoteTTS

__all__ = ["RemoteTTS"]
