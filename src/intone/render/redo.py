"""The same take again, from its record: what has changed since, the draw, the comparison."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from intone.core.errors import RecordError
from intone.core.synthesizer import Synthesizer
from intone.core.types import Audio, VoiceClonePrompt, join_chunks
from intone.render.hashes import pcm16_sha256
from intone.render.outputs import record_time
from intone.render.sidecar import ModelRecord, TakeRecord, VoiceRecord, result_of


@dataclass(frozen=True, slots=True)
class Difference:
    """Something that is not as it was when the take was made."""

    what: str
    then: str
    now: str
    is_another: bool
    """Another voice or other weights: the take cannot be the same. Else it may round otherwise."""

    def __str__(self) -> str:
        return f"{self.what} was {self.then}, and is {self.now}"


def differences(
    record: TakeRecord, model: ModelRecord, voice: VoiceRecord, version: str
) -> tuple[Difference, ...]:
    """Returns what differs between a record and what would draw it again now.

    Args:
        model: that is loaded.
        voice: that was found for the record's.
        version: of this Intone.
    """
    return (*_of_model(record.model, model), *_of_voice(record.voice, voice), *_of(record, version))


def check_same(found: tuple[Difference, ...], *, anyway: bool) -> None:
    """Raises RecordError where another voice or another model would speak, unless `anyway`."""
    others = [difference for difference in found if difference.is_another]
    if others and not anyway:
        raise RecordError(
            f"this would not be the same take: {'; '.join(map(str, others))}. Bring it back, or "
            "draw it nevertheless with --anyway."
        )


def check_can_be_redone(record: TakeRecord, where: str) -> None:
    """Raises RecordError for a voice that its record cannot bring back."""
    if not record.voice.can_be_made_again:
        raise RecordError(
            f"{where}: its voice was given as a prompt and not by name, so it cannot be found "
            "again; keep voices (`intone voices clone`) and speak with them by name."
        )


def draw_again(
    record: TakeRecord, synthesizer: Synthesizer, voice: str | VoiceClonePrompt | None
) -> Audio:
    """Returns the take; raises as the synthesizer does."""
    request = record.request.request(voice)
    if record.is_streamed:
        return join_chunks(synthesizer.stream_request(request))
    return synthesizer.synthesize(request)


def is_same_take(record: TakeRecord, audio: Audio) -> bool:
    """Whether a take has the recorded one's samples, as a WAV file holds them."""
    return pcm16_sha256(audio.samples) == record.result.pcm16_sha256


def record_again(
    record: TakeRecord,
    audio: Audio,
    *,
    model: ModelRecord,
    voice: VoiceRecord,
    version: str,
    origin: str,
) -> TakeRecord:
    """Returns the record of a take that was drawn again just now.

    How alike it is to a person is known of the very same samples alone.

    Args:
        model: that drew it, as are voice and version.
        origin: name of the first take's record.
    """
    similarity = record.result.similarity if is_same_take(record, audio) else None
    return replace(
        record,
        intone_version=version,
        created_at=record_time(),
        model=model,
        voice=voice,
        result=result_of(audio, similarity=similarity),
        notes=(*record.notes, f"drawn again from {origin}"),
    )


def _of_model(then: ModelRecord, now: ModelRecord) -> Iterator[Difference]:
    if then.fingerprint != now.fingerprint:
        yield Difference(
            "the model",
            _brief(then.name, then.fingerprint),
            _brief(now.name, now.fingerprint),
            True,
        )
    yield from _changed("the device", then.device, now.device)
    yield from _changed("the precision", then.dtype, now.dtype)
    yield from _changed("the number of threads", str(then.threads), str(now.threads))


def _of_voice(then: VoiceRecord, now: VoiceRecord) -> Iterator[Difference]:
    name = then.name or then.clip or then.kind
    what = f"the voice {name!r}"
    if then.file_sha256 != now.file_sha256:
        yield Difference(what, _brief("", then.file_sha256), _brief("", now.file_sha256), True)
    elif then.prompt_sha256 and now.prompt_sha256 and then.prompt_sha256 != now.prompt_sha256:
        yield Difference(
            f"{what}, as it was encoded,",
            _brief("", then.prompt_sha256),
            _brief("", now.prompt_sha256),
            False,
        )


def _of(record: TakeRecord, version: str) -> Iterator[Difference]:
    yield from _changed("Intone", record.intone_version, version)


def _changed(what: str, then: str, now: str) -> Iterator[Difference]:
    if then != now:
        yield Difference(what, then, now, False)


def _brief(name: str, sha256: str | None) -> str:
    return f"{name} {(sha256 or 'none')[:12]}".strip()
