"""Who a take is compared with: once per identity, its kept x-vector or one neutral take."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from intone.core.seeds import derived_seed
from intone.core.synthesizer import Synthesizer
from intone.core.types import SpeechRequest
from intone.render.drawing import Anchor, DrawPolicy, SegmentDrawer
from intone.render.ear import Ear, heard_person, similarity
from intone.render.identity import Identity
from intone.render.moods import Manner, deliver
from intone.render.plan import SegmentPlan
from intone.text.guessing import guess_language
from intone.voices.voice import Voice

ANCHOR_TEXTS: Mapping[str, str] = {
    "chinese": "我们很早就出发了，那时镇上还没有人醒来。我们沿着河一直向北走，直到路的尽头。",
    "english": "We left early, before the town was awake, and followed the river north until the "
    "road came to an end.",
    "french": "Nous sommes partis tôt, avant le réveil du village, et nous avons suivi la rivière "
    "vers le nord jusqu'au bout du chemin.",
    "german": "Wir brachen früh auf, bevor der Ort wach war, und folgten dem Fluss nach Norden, "
    "bis der Weg zu Ende war.",
    "italian": "Siamo partiti presto, prima che il paese si svegliasse, e abbiamo seguito il fiume "
    "verso nord fino alla fine della strada.",
    "japanese": "町がまだ眠っている朝早くに出発し、道が終わるまで川に沿って北へ歩きました。",
    "korean": "우리는 마을이 깨어나기 전에 일찍 떠나서 길이 끝날 때까지 강을 따라 북쪽으로 "
    "걸었습니다.",
    "portuguese": "Partimos cedo, antes de a vila acordar, e seguimos o rio para o norte até ao "
    "fim da estrada.",
    "russian": "Мы вышли рано, когда город ещё спал, и шли вдоль реки на север, пока дорога не "
    "кончилась.",
    "spanish": "Salimos temprano, antes de que el pueblo despertara, y seguimos el río hacia el "
    "norte hasta que se acabó el camino.",
}
"""Five to eight seconds of plain telling, without a mood of its own, in every language."""

_DEFAULT_LANGUAGE = "english"


def anchor_text(language: str, like: str = "") -> str:
    """Returns what an anchor says.

    Args:
        like: a text whose language is guessed where it is left open; else it is English.
    """
    known = ANCHOR_TEXTS.get(language.lower()) or ANCHOR_TEXTS.get(guess_language(like) or "")
    return known or ANCHOR_TEXTS[_DEFAULT_LANGUAGE]


class Anchors:
    """Finds or draws the anchor of each identity when it is first needed, and keeps it."""

    def __init__(
        self,
        synthesizer: Synthesizer,
        ear: Ear,
        seed: int,
        found: dict[str, Anchor | None] | None = None,
    ) -> None:
        """Takes what speaks, what hears, and the seed that the anchors' seeds follow from.

        Args:
            found: anchors of an earlier time, by name, of the same seed and ear; it grows.
        """
        self._synthesizer = synthesizer
        self._ear = ear
        self._seed = seed
        self._found = {} if found is None else found

    def of(self, identity: Identity, plan: SegmentPlan) -> Anchor | None:
        """Returns who a planned take is compared with; None where the anchor cannot be heard.

        Raises:
            IntoneError: as `Synthesizer.synthesize` does.
        """
        if identity.name not in self._found:
            kept = self._kept(identity.voice)
            self._found[identity.name] = kept or self._drawn(identity, plan.request)
        anchor, voice = self._found[identity.name], identity.voice
        if anchor is None or voice is None:
            return anchor
        return replace(anchor, ceiling=likeness_of_mood(voice, plan.bank_mood))

    def _kept(self, voice: Voice | None) -> Anchor | None:
        """Returns a voice's own x-vector where this ear made it: two ears do not compare."""
        if voice is None or voice.x_vector is None or voice.making.model != self._ear.name:
            return None
        return Anchor(x_vector=voice.x_vector, origin="the voice's x-vector")

    def _drawn(self, identity: Identity, template: SpeechRequest) -> Anchor | None:
        delivery = deliver(identity, Manner(), self._synthesizer.capabilities())
        text = anchor_text(template.language, template.text)
        request = replace(
            template,
            text=text,
            voice=delivery.voice,
            instruct=delivery.instruct,
            seed=derived_seed(self._seed, "anchor", identity.name),
            speed=1.0,
        )
        drawer = SegmentDrawer(self._synthesizer, None, DrawPolicy())
        audio = drawer.draw(SegmentPlan(index=0, text=text, request=request), None).audio
        vector, _ = heard_person(self._ear, audio)
        return None if vector is None else Anchor(x_vector=vector, origin="a neutral take")


def likeness_of_mood(voice: Voice, mood: str | None) -> float:
    """Returns how alike a recording of the bank is to the voice itself, -1 to 1."""
    clip = voice.reference(mood)
    if mood is None or clip is None or voice.x_vector is None:
        return 1.0
    return similarity(clip.x_vector, voice.x_vector)
