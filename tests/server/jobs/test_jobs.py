"""Jobs over HTTP: sent, followed, fetched, deleted; on fake models."""

from __future__ import annotations

import io
import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
import soundfile
from fastapi.testclient import TestClient
from tests.server.fakes import FakeSource
from tests.server.jobs.running import TEXT, client_of, ended, events_of, job_services, sent

from intone.core.errors import EngineStoppedError, OutputError
from intone.server.admission import NO_LIMITS
from intone.server.jobs import outcome, worker
from intone.server.jobs.room import JobLimits
from intone.server.jobs.service import ROUTE
from intone.server.jobs.store import JobStore
from intone.server.keys import KeyFile
from intone.server.sections import QueueSection
from intone.server.services import Services
from intone.server.settings import Settings


@pytest.fixture
def source() -> FakeSource:
    return FakeSource()


@pytest.fixture
def services(tmp_path: Path, source: FakeSource) -> Services:
    return job_services(tmp_path, source)


@pytest.fixture
def client(services: Services) -> Iterator[TestClient]:
    with client_of(services) as client:
        yield client


def test_a_text_becomes_a_file_with_subtitles_and_a_manifest(client: TestClient) -> None:
    job = sent(client, title="The river", response_format="flac")
    assert job["state"] == "queued"
    assert job["seed"] == 7
    assert job["voice"] is None
    done = ended(client, job["id"])
    assert done["state"] == "done"
    assert done["num_done"] == done["num_pieces"]
    names = [one["name"] for one in done["files"]]
    assert names == ["manifest.json", "the-river.flac", "the-river.srt", "the-river.vtt"]
    samples, rate_hz = soundfile.read(
        io.BytesIO(client.get(f"/v1/audio/jobs/{job['id']}/result").content)
    )
    assert rate_hz == 24_000
    assert len(samples) > 24_000
    manifest = client.get(done["files"][0]["url"]).json()
    said = " ".join(one["text"] for file in manifest["files"] for one in file["segments"])
    assert said == " ".join(TEXT.split())


def test_a_language_goes_by_its_code_too(client: TestClient, source: FakeSource) -> None:
    ended(client, sent(client, language="EN")["id"])
    assert source.counts["fake-custom"].requests[0].language == "english"


def test_a_script_is_spoken_by_its_cast(client: TestClient, source: FakeSource) -> None:
    script = "It was late. [pause:1s]\nNora: The signal is back!\nMax: At last."
    job = sent(client, kind="script", input=script, cast={"Nora": "vivian", "Max": "aiden"})
    done = ended(client, job["id"])
    assert done["state"] == "done", done["error"]
    spoken = [(one.text, one.voice) for one in source.counts["fake-custom"].requests]
    assert spoken == [
        ("It was late.", "ryan"),
        ("The signal is back!", "vivian"),
        ("At last.", "aiden"),
    ]


def test_a_book_is_uploaded_and_becomes_a_file_per_chapter(client: TestClient) -> None:
    book = "# One\n\nIt was late.\n\n# Two\n\nIt was later.\n"
    answer = client.post(
        "/v1/audio/jobs",
        data={"one_file": "false", "response_format": "mp3", "voice": "vivian"},
        files={"file": ("My book.md", book.encode())},
    )
    assert answer.status_code == 202, answer.text
    done = ended(client, answer.json()["id"])
    names = [one["name"] for one in done["files"]]
    assert [name for name in names if name.endswith(".mp3")] == ["01-one.mp3", "02-two.mp3"]
    refused = client.get(f"/v1/audio/jobs/{done['id']}/result")
    assert refused.status_code == 409
    assert "2 audio files" in refused.json()["error"]["message"]
    assert client.get(f"/v1/audio/jobs/{done['id']}/result/02-two.mp3").status_code == 200


def test_events_tell_every_segment_once_and_resume_behind_the_last(client: TestClient) -> None:
    job = sent(client, input="One sentence here. " * 40)
    ended(client, job["id"])
    events = events_of(client, job["id"])
    assert [one["id"] for one in events] == list(range(1, len(events) + 1))
    assert [one["event"] for one in events][0 :: len(events) - 1] == ["progress", "done"]
    told = [one["data"]["index"] for one in events if one["event"] == "segment"]
    assert told == list(range(job["num_pieces"]))
    assert len(told) > 1
    assert events_of(client, job["id"], last=2) == events[2:]
    assert events_of(client, job["id"], last=len(events)) == []


def test_takes_of_jobs_are_counted(client: TestClient) -> None:
    job = sent(client)
    ended(client, job["id"])
    assert f'intone_audio_seconds_total{{route="{ROUTE}"}}' in client.get("/metrics").text


def test_the_same_order_gives_the_same_sound(client: TestClient) -> None:
    first, second = (sent(client)["id"] for _ in range(2))
    sounds = []
    for id in (first, second):
        ended(client, id)
        sounds.append(client.get(f"/v1/audio/jobs/{id}/result").content)
    assert sounds[0] == sounds[1]


@pytest.mark.parametrize(
    ("body", "word"),
    [
        ({"voice": "nobody"}, "nobody"),
        ({"language": "klingon"}, "klingon"),
        ({"kind": "script", "input": "[voice:nobody] Hello."}, "line 1"),
        ({"kind": "script", "input": "Hello [there."}, "line 1"),
        ({"response_format": "exe"}, "response_format"),
        ({"voise": "ryan"}, "voise"),
        ({"input": "* * *"}, "word"),
        ({"seed": -1}, "seed"),
        ({"loudness_lufs": 3}, "loudness"),
        ({"model": "fake-design"}, "fake-design"),
        ({"cast": {"Nora": 3}, "kind": "script"}, "Nora"),
        ({"one_file": False, "kind": "script"}, "one_file"),
        ({"instructions": "Softly.", "model": "fake-base"}, "instructions"),
        ({"voice": "a calm and deep voice of an old man"}, "voices"),
    ],
)
def test_what_is_wrong_is_told_before_anything_is_kept(
    body: dict[str, object], word: str, client: TestClient, tmp_path: Path
) -> None:
    answer = client.post("/v1/audio/jobs", json={"input": TEXT} | body)
    assert answer.status_code == 400, answer.text
    assert word in answer.json()["error"]["message"]
    assert str(tmp_path) not in answer.text
    assert client.get("/v1/audio/jobs").json()["data"] == []
    assert [path for path in (tmp_path / "jobs").iterdir() if path.is_dir()] == []


@pytest.mark.parametrize(
    "body",
    [
        {"kind": "script", "cast": {"\ud800": "ryan"}},
        {"kind": "script", "cast": {"Nora": "\ud800"}},
        {"kind": "script", "cast": {"Nora": {"voice": "ryan", "instruct": "\ud800"}}},
        {"title": "\ud800"},
        {"title": "../../\x00\n", "voice": "ryan"},
        {"model": "\x00"},
        {"voice": "\ud800"},
    ],
)
def test_text_that_is_none_breaks_nothing(client: TestClient, body: dict[str, object]) -> None:
    content = json.dumps({"input": "Hello there."} | body)
    answer = client.post(
        "/v1/audio/jobs", content=content, headers={"content-type": "application/json"}
    )
    assert answer.status_code in (202, 400, 404), answer.text
    if answer.status_code == 202:
        assert ended(client, answer.json()["id"])["state"] == "done"
    assert client.get("/v1/audio/jobs").status_code == 200


def test_a_model_that_is_not_here_is_told(client: TestClient) -> None:
    answer = client.post("/v1/audio/jobs", json={"input": TEXT, "model": "other"})
    assert answer.status_code == 404
    assert "other" in answer.json()["error"]["message"]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("book.pdf", b"%PDF"),
        ("book.txt", b"\xff\xfe\x00"),
        ("book.epub", b"PK\x03\x04 not really"),
        ("", b"words"),
        ("../../escape.md", b"\x00"),
    ],
)
def test_a_document_that_is_none_is_refused(client: TestClient, name: str, content: bytes) -> None:
    answer = client.post("/v1/audio/jobs", files={"file": (name, content)}, data={"seed": "1"})
    assert answer.status_code == 400, answer.text


def test_a_text_beyond_the_limit_is_refused(client: TestClient) -> None:
    answer = client.post("/v1/audio/jobs", json={"input": "word " * 400_001})
    assert answer.status_code == 413


def test_a_running_job_that_is_deleted_stops_within_two_frames(
    client: TestClient, source: FakeSource, tmp_path: Path
) -> None:
    behaviour = source.behaviours["fake-custom"]
    behaviour.frame_s, behaviour.num_frames = 0.01, lambda request: 100_000
    job = sent(client)
    _until(lambda: source.frames_made > 3)
    before = source.frames_made
    assert client.delete(f"/v1/audio/jobs/{job['id']}").json()["deleted"] is True
    # While the deletion is on its way, frames go on; once it is answered, at most two come.
    after = source.frames_made
    time.sleep(0.1)
    assert source.frames_made - after <= 2
    assert after - before < 100
    assert source.counts["fake-custom"].cancellations == 1
    assert not (tmp_path / "jobs" / str(job["id"])).exists()
    assert client.get(f"/v1/audio/jobs/{job['id']}").status_code == 404
    assert client.delete(f"/v1/audio/jobs/{job['id']}").status_code == 404


def test_a_queued_job_that_is_deleted_is_never_spoken(
    client: TestClient, source: FakeSource
) -> None:
    gate = threading.Event()
    source.behaviours["fake-custom"].gate = gate
    first = sent(client)
    second = sent(client, input="This one is never said.")
    assert client.delete(f"/v1/audio/jobs/{second['id']}").status_code == 200
    gate.set()
    assert ended(client, first["id"])["state"] == "done"
    assert all("never" not in one.text for one in source.counts["fake-custom"].requests)


def test_a_live_request_waits_for_one_piece_of_a_job_at_most(tmp_path: Path) -> None:
    source = FakeSource()
    source.behaviours["fake-custom"].frame_s = 0.002
    only_one = Settings(queue=QueueSection(running=1))
    with client_of(job_services(tmp_path, source, only_one)) as client:
        job = sent(client, input="One sentence of some length is here. " * 60)
        _until(lambda: client.get(f"/v1/audio/jobs/{job['id']}").json()["num_done"] >= 1)
        before = client.get(f"/v1/audio/jobs/{job['id']}").json()["num_done"]
        live = client.post("/v1/audio/speech", json={"input": "Hello.", "response_format": "pcm"})
        assert live.status_code == 200, live.text
        after = client.get(f"/v1/audio/jobs/{job['id']}").json()
        assert after["state"] == "running"
        assert after["num_done"] - before <= 2  # the one that was drawn, and the next one begun
        assert after["num_pieces"] - before > 5
        client.delete(f"/v1/audio/jobs/{job['id']}")


def test_a_job_that_fails_three_times_tells_its_error(
    client: TestClient, source: FakeSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outcome, "REST_S", 0.01)
    behaviour = source.behaviours["fake-custom"]
    behaviour.fail_at_frame = 1
    behaviour.error = lambda: EngineStoppedError("the engine at /root/secret died")
    failed = ended(client, sent(client)["id"])
    assert failed["state"] == "failed"
    assert failed["error"]["code"] == "restarting"
    assert "/root" not in json.dumps(failed)
    assert source.counts["fake-custom"].takes == 3
    assert events_of(client, failed["id"])[-1]["event"] == "failed"


def test_a_job_that_crashes_does_not_end_the_next_one(
    client: TestClient, source: FakeSource
) -> None:
    behaviour = source.behaviours["fake-custom"]
    behaviour.fail_at_frame = 1  # a RuntimeError, which nobody expects
    failed = ended(client, sent(client)["id"])
    assert failed["state"] == "failed"
    assert failed["error"]["code"] == "internal_error"
    assert "secret" not in json.dumps(failed)
    behaviour.fail_at_frame = None
    assert ended(client, sent(client)["id"])["state"] == "done"


def test_a_queue_that_fails_for_a_moment_loses_no_job(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "REST_S", 0.01)
    monkeypatch.setattr(outcome, "REST_S", 0.01)
    failures = iter([True, True])
    append = JobStore.append

    def full(store: JobStore, job_id: str, type: str, data: Mapping[str, object]) -> None:
        if type == "segment" and next(failures, False):
            raise OutputError("the disk is full")
        append(store, job_id, type, data)

    monkeypatch.setattr(JobStore, "append", full)
    job = sent(client, input="One sentence of some length is here. " * 40)
    assert ended(client, job["id"])["state"] == "done"
    told = [e["data"]["index"] for e in events_of(client, job["id"]) if e["event"] == "segment"]
    assert sorted(told) == list(range(job["num_pieces"]))


def test_a_stopped_server_goes_on_at_the_piece_when_it_is_back(tmp_path: Path) -> None:
    first, second = FakeSource(), FakeSource()
    first.behaviours["fake-custom"].frame_s = 0.002
    text = "One sentence of some length is here. " * 40
    with client_of(job_services(tmp_path, first)) as client:
        job = sent(client, input=text)
        _until(lambda: client.get(f"/v1/audio/jobs/{job['id']}").json()["num_done"] >= 2)
    with client_of(job_services(tmp_path, second)) as client:
        assert ended(client, job["id"])["state"] == "done"
        told = [e["data"]["index"] for e in events_of(client, job["id"]) if e["event"] == "segment"]
    assert sorted(told) == list(range(job["num_pieces"]))
    assert second.counts["fake-custom"].takes <= job["num_pieces"] - 2


def test_jobs_of_other_keys_are_not_there(tmp_path: Path) -> None:
    file = KeyFile(tmp_path / "keys.json")
    mine, other = (file.add(name, NO_LIMITS) for name in ("mine", "other"))
    with client_of(job_services(tmp_path)) as client:
        client.headers["authorization"] = f"Bearer {mine}"
        job = sent(client)
        ended(client, job["id"])
        client.headers["authorization"] = f"Bearer {other}"
        assert client.get("/v1/audio/jobs").json()["data"] == []
        for path in ("", "/events", "/result", "/result/manifest.json"):
            assert client.get(f"/v1/audio/jobs/{job['id']}{path}").status_code == 404
        assert client.delete(f"/v1/audio/jobs/{job['id']}").status_code == 404


def test_a_full_queue_and_a_full_disk_are_told(tmp_path: Path) -> None:
    with client_of(job_services(tmp_path / "a", limits=JobLimits(max_jobs=1))) as client:
        sent(client)
        full = client.post("/v1/audio/jobs", json={"input": TEXT})
        assert full.status_code == 429
        assert int(full.headers["Retry-After"]) > 0
    with client_of(job_services(tmp_path / "b", limits=JobLimits(max_size_bytes=1_000))) as client:
        full = client.post("/v1/audio/jobs", json={"input": TEXT})
        assert full.status_code == 503
        assert "1,000" in full.json()["error"]["message"]


def test_ended_jobs_are_removed_after_their_days(tmp_path: Path) -> None:
    with client_of(job_services(tmp_path, wall_clock=lambda: 1e9)) as client:
        job = sent(client)
        ended(client, job["id"])
    with client_of(job_services(tmp_path, wall_clock=lambda: 1e9 + 8 * 86_400)) as client:
        _until(lambda: client.get("/v1/audio/jobs").json()["data"] == [])
    assert not (tmp_path / "jobs" / str(job["id"])).exists()


@pytest.mark.parametrize("name", ["..%2f..%2fsource.txt", "%2e%2e/job.sqlite3", ".segments", "x"])
def test_a_result_is_one_of_the_files_of_the_job(client: TestClient, name: str) -> None:
    job = sent(client)
    ended(client, job["id"])
    assert client.get(f"/v1/audio/jobs/{job['id']}/result/{name}").status_code == 404


def test_results_wait_for_the_end(client: TestClient, source: FakeSource) -> None:
    gate = threading.Event()
    source.behaviours["fake-custom"].gate = gate
    job = sent(client)
    assert client.get(f"/v1/audio/jobs/{job['id']}/result").status_code == 409
    gate.set()


def test_a_wrong_event_id_is_told(client: TestClient) -> None:
    job = sent(client)
    answer = client.get(f"/v1/audio/jobs/{job['id']}/events", headers={"Last-Event-ID": "x"})
    assert answer.status_code == 400


def _until(is_so: Callable[[], bool], limit_s: float = 5.0) -> None:
    deadline_s = time.monotonic() + limit_s
    while not is_so():
        assert time.monotonic() < deadline_s, "it did not come to that"
        time.sleep(0.005)


def test_nothing_but_jobs_is_removed_from_the_directory(tmp_path: Path) -> None:
    mine = tmp_path / "jobs" / "holiday" / "photo.jpg"
    left = tmp_path / "jobs" / "0123abcd"
    for path in (mine, left / ".intone-job", left / "text.txt"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    with client_of(job_services(tmp_path)) as client:
        client.get("/v1/audio/jobs")
    assert mine.exists()
    assert not left.exists()  # a job that was deleted when the process ended
