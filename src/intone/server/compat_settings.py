"""The environment of founding document 004 (`QWEN_...`), read as settings with `--compat 004`."""

from __future__ import annotations

from collections.abc import Mapping

from intone.core.errors import InvalidSettingError
from intone.server.settings_layers import Layer, nested

PORT = 8_888
_VARIABLES = {
    "QWEN_MODEL_ID": "model.default",
    "QWEN_DEVICE": "model.device",
    "QWEN_DTYPE": "model.dtype",
    "QWEN_DEFAULT_LANGUAGE": "speech.language",
    "QWEN_DEFAULT_SPEAKER": "speech.voice",
    "QWEN_DEFAULT_INSTRUCT": "speech.instruct",
}
_DTYPES = {"bfloat16": "bf16", "float16": "fp16", "float32": "fp32"}
ATTENTION_VARIABLE = "QWEN_ATTN_IMPL"


def compat_layers(environ: Mapping[str, str]) -> tuple[Layer, Layer]:
    """Returns the QWEN_ variables, and below everything else the port of that document.

    Raises:
        InvalidSettingError: a precision that is none.
    """
    given = {
        setting: environ[variable]
        for variable, setting in _VARIABLES.items()
        if environ.get(variable)
    }
    dtype = given.get("model.dtype")
    if dtype is not None:
        if dtype not in _DTYPES and dtype not in _DTYPES.values():
            raise InvalidSettingError(
                f"QWEN_DTYPE is {dtype!r}; allowed: {', '.join(_DTYPES)}. For int8 and int4 use "
                "INTONE_MODEL__DTYPE."
            )
        given["model.dtype"] = _DTYPES.get(dtype, dtype)
    return (
        Layer("environment (QWEN_)", nested(given)),
        Layer("compat 004", nested({"server.port": PORT})),
    )


def compat_notes(environ: Mapping[str, str]) -> tuple[str, ...]:
    """Returns what is to be said of variables that are read and choose nothing."""
    chosen = environ.get(ATTENTION_VARIABLE)
    if not chosen:
        return ()
    return (
        f"{ATTENTION_VARIABLE}={chosen} is accepted and chooses nothing: attention is Intone's own "
        "on every device.",
    )
