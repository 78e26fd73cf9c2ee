"""What a server says of itself: who it is, its models, its voices."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from intone.core.constants import SAMPLE_RATE_HZ
from intone.core.errors import ModelNotFoundError
from intone.core.types import Capabilities, ModelKind
from intone.remote.dialects import DIALECTS, Dialect, DialectName, dialect_of_owner
from intone.text.languages import AUTO, CODE_OF_NAME

UNKNOWN_SIZE = "unknown"
_KIND_OF_WORD: Mapping[str, ModelKind] = {
    "voicedesign": "design",
    "customvoice": "custom",
    "base": "base",
}

Document = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class ServerFacts:
    """The dialect of a server and what it lists."""

    dialect: Dialect
    models: tuple[Document, ...]
    """Of `GET /v1/models`, the default first where the server has one."""

    @classmethod
    def read(cls, models: Document | None, dialect: DialectName | None) -> ServerFacts:
        """Returns the facts of `GET /v1/models`.

        Args:
            models: its document; None: the server has no such route.
            dialect: as it was given; None takes the server's word.
        """
        listed = tuple(_listed(models or {}, "data"))
        owner = str(listed[0].get("owned_by", "")) if listed else ""
        return cls(DIALECTS[dialect or dialect_of_owner(owner)], listed)

    def model(self, name: str | None) -> Document:
        """Returns what is listed of a model, of the default where none is named.

        Raises:
            ModelNotFoundError: a server of Intone does not have it.
        """
        found = next((one for one in self.models if name in (None, one.get("id"))), None)
        if found is not None:
            return found
        if name is not None and self.dialect.name == "intone":
            names = ", ".join(str(one.get("id")) for one in self.models) or "none"
            raise ModelNotFoundError(f"the server has no model {name!r}; it has: {names}.")
        return {"id": name or "unknown"}

    def model_names(self) -> tuple[str, ...]:
        """Returns the models that are listed, the default first where the server has one."""
        return tuple(str(one.get("id")) for one in self.models)

    def first_of_kind(self, kind: ModelKind) -> str | None:
        """Returns the first model of a kind that is listed; None where none is."""
        return next((name for name in self.model_names() if self.kind(name) == kind), None)

    def kind(self, name: str | None) -> ModelKind:
        """Returns the kind of a model, by its name where the server does not say it."""
        model = self.model(name)
        for told in _KIND_OF_WORD.values():
            if told == model.get("kind"):
                return told
        id = str(model.get("id")).lower()
        return next((kind for word, kind in _KIND_OF_WORD.items() if word in id), "custom")

    def capabilities(self, name: str | None, voices: Document | None) -> Capabilities:
        """Returns what a model can be asked for.

        Args:
            voices: the document of `GET /v1/audio/voices`; None: there is no such route.
        """
        model = self.model(name)
        return Capabilities(
            model=str(model.get("id")),
            kind=self.kind(name),
            size=str(model.get("size") or _size_in(str(model.get("id")))),
            voices=tuple(_voices(model, voices or {})),
            languages=tuple(self._languages(model)),
            hidden_size=_number(model.get("hidden_size")),
            num_codebooks=_number(model.get("num_codebooks")),
            can_clone=False,  # from an x-vector, which no server computes for a client
            follows_instruct=_follows_instruct(model),
            sample_rate_hz=SAMPLE_RATE_HZ,
        )

    def _languages(self, model: Document) -> Iterator[str]:
        if not self.dialect.has_language:
            return iter((AUTO,))
        listed = model.get("languages")
        if isinstance(listed, list):
            return (str(name) for name in listed)
        return iter((AUTO, *CODE_OF_NAME))


def _listed(document: Document, key: str) -> Iterator[Document]:
    found = document.get(key)
    for one in found if isinstance(found, list) else ():
        if isinstance(one, dict):
            yield one


def _voices(model: Document, voices: Document) -> Iterator[str]:
    """Yields the names that the model speaks with: presets, then voices kept on the server."""
    presets = model.get("voices")
    names = [str(name) for name in presets] if isinstance(presets, list) else []
    listed = voices.get("voices")
    for one in listed if isinstance(listed, list) else ():
        if isinstance(one, str):
            names.append(one)
        elif isinstance(one, dict) and _speaks(one, model):
            names.append(str(one.get("id") or one.get("name")))
    yield from dict.fromkeys(names)


def _speaks(voice: Document, model: Document) -> bool:
    models = voice.get("models")
    return not isinstance(models, list) or model.get("id") in models


def _follows_instruct(model: Document) -> bool:
    told = model.get("follows_instruct")
    return told if isinstance(told, bool) else "base" not in str(model.get("id")).lower()


def _size_in(id: str) -> str:
    return next((size for size in ("0.6b", "1.7b") if size in id.lower()), UNKNOWN_SIZE)


def _number(value: object) -> int:
    """Returns a number, or 0 where the server does not tell it."""
    return value if isinstance(value, int) else 0
