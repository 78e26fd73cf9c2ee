"""Clips are measured once: in this process or in several, today or tomorrow."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import pytest
from tests.train.speech import save, speech

from intone.train.data import measuring
from intone.train.data.clip_stats import ClipFailure, ClipStats, Measured, measure_clip
from intone.train.data.measuring import Cut, Measurements, measure_all
from intone.train.progress import StageProgress, silent


def clips(folder: Path, count: int) -> list[Cut]:
    clip = speech(0.2)
    return [Cut(save(folder / f"{i}.wav", clip * (1 - i / 300)), None, None) for i in range(count)]


def measured(cuts: list[Cut], cache: Path, processes: int = 1) -> Measurements:
    return measure_all(cuts, cache, processes=processes, on_progress=silent)


def kill_on_the_second(path: Path, start_s: float | None, end_s: float | None) -> Measured:
    """Stands for a decoder that crashes."""
    if path.name == "1.wav":
        os.kill(os.getpid(), signal.SIGKILL)
    return measure_clip(path, start_s, end_s)


def test_a_second_check_decodes_only_what_is_new_or_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cuts = clips(tmp_path, 4)
    cuts += [Cut(cuts[0].path, 0.0, 0.1), cuts[0]]
    cache = tmp_path / "cache" / "measured.jsonl"
    first = measured(cuts, cache)
    assert first.num_measured == 5

    assert measured(cuts, cache) == Measurements(first.by_cut, 0)

    save(cuts[1].path, speech(0.5))
    cuts.append(Cut(save(tmp_path / "new.wav", speech(0.3)), None, None))
    third = measured(cuts, cache)
    assert third.num_measured == 2
    assert third.by_cut[cuts[1]] != first.by_cut[cuts[1]]
    assert len(cache.read_text().splitlines()) == 6  # the old measurement is not kept

    monkeypatch.setattr(measuring, "MEASURE_VERSION", 99)
    assert measured(cuts, cache).num_measured == 6


def test_failures_are_remembered_too_and_absent_files_looked_for_again(tmp_path: Path) -> None:
    (tmp_path / "bad.wav").write_bytes(b"no sound")
    cuts = [Cut(tmp_path / "bad.wav", None, None), Cut(tmp_path / "later.wav", None, None)]
    cache = tmp_path / "measured.jsonl"
    assert {type(each) for each in measured(cuts, cache).by_cut.values()} == {ClipFailure}

    save(tmp_path / "later.wav", speech(0.2))
    again = measured(cuts, cache)

    assert again.num_measured == 1
    assert isinstance(again.by_cut[cuts[1]], ClipStats)


def test_a_check_that_was_killed_goes_on(tmp_path: Path) -> None:
    cuts, cache = clips(tmp_path, 5), tmp_path / "measured.jsonl"
    whole = measured(cuts, cache)
    lines = cache.read_bytes().splitlines(keepends=True)
    cache.write_bytes(b"".join(lines[:3]) + lines[3][:-20])  # torn in the middle of a line

    resumed = measured(cuts, cache)

    assert resumed.num_measured == 2
    assert resumed.by_cut == whole.by_cut


def test_foreign_lines_of_the_cache_are_measured_again(tmp_path: Path) -> None:
    cuts, cache = clips(tmp_path, 1), tmp_path / "measured.jsonl"
    cache.write_text('{}\n[]\n"x"\n' + json.dumps({"version": 1, "key": {"a": 1}}) + "\n\0\n")

    assert measured(cuts, cache).num_measured == 1


def test_several_processes_measure_the_same_and_survive_a_crash(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(measuring, "CHUNK_CLIPS", 2)
    cuts, seen = clips(tmp_path, 4), list[StageProgress]()
    alone = measured(cuts, tmp_path / "alone.jsonl").by_cut

    many = measure_all(
        cuts,
        tmp_path / "many.jsonl",
        processes=2,
        on_progress=seen.append,
        measure=kill_on_the_second,
    )

    crash = ClipFailure(code="undecodable_audio", reason="the decoder crashed on it")
    assert many.by_cut == {**alone, cuts[1]: crash}
    assert (seen[-1].done, seen[-1].total) == (4, 4)
