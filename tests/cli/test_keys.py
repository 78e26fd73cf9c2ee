"""`intone keys`: a token is shown once, and kept as a hash."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest
from tests.cli.conftest import RunInProcess

from intone.server.admission import KeyLimits
from intone.server.key_ring import KeyRing
from intone.server.keys import KeyFile


@pytest.fixture(autouse=True)
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return tmp_path / "config" / "intone" / "keys.json"


def test_a_key_is_made_listed_and_revoked(intone: RunInProcess, file: Path) -> None:
    token = intone("keys", "add", "alice", "--requests-per-minute", "60").out.strip()
    ring = KeyRing(KeyFile(file), KeyLimits(max_concurrent=2))

    caller = ring.find(token)
    assert caller is not None
    assert caller.key_id == "alice"
    assert caller.limits == KeyLimits(requests_per_minute=60, max_concurrent=2)
    assert ring.find(token + "x") is None
    assert ring.find(None) is None
    assert "alice" in intone("keys", "list").out
    assert intone("keys", "revoke", "alice").code == 0
    assert ring.find(token) is None
    assert "there are no keys" in intone("keys", "list").err


def test_the_file_holds_no_token_and_is_its_owners_alone(intone: RunInProcess, file: Path) -> None:
    token = intone("keys", "add", "alice").out.strip()

    assert token.removeprefix("intone_") not in file.read_text(encoding="utf-8")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_two_keys_of_one_token_would_not_look_alike(intone: RunInProcess, file: Path) -> None:
    for name in ("a", "b"):
        intone("keys", "add", name)
    salts = {key["salt"] for key in json.loads(file.read_text(encoding="utf-8"))["keys"]}

    assert len(salts) == 2


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("add", "../etc"), "a key's name is '../etc'"),
        (("add", "twice"), "a key 'twice' exists"),
        (("revoke", "nobody"), "there is no key 'nobody'; known: twice"),
        (("add", "fast", "--concurrent", "0"), "max_concurrent is 0; allowed: more than 0"),
    ],
)
def test_what_cannot_be_is_refused(
    intone: RunInProcess, arguments: tuple[str, ...], said: str
) -> None:
    intone("keys", "add", "twice")
    outcome = intone("keys", *arguments)

    assert outcome.code == 3
    assert said in outcome.err


def test_a_damaged_file_is_told_without_what_stands_in_it(intone: RunInProcess, file: Path) -> None:
    file.parent.mkdir(parents=True)
    file.write_text('{"keys": [{"name": "a", "token": "secret"}]}', encoding="utf-8")
    outcome = intone("keys", "list")

    assert outcome.code == 3
    assert "is not a file of keys" in outcome.err
    assert "secret" not in outcome.err
