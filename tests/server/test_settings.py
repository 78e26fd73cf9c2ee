"""Settings: which layer wins, what is refused, and the table of the docs."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from intone.core.errors import InvalidSettingError
from intone.server.binding import check_binding
from intone.server.compat_settings import compat_layers, compat_notes
from intone.server.settings import Settings
from intone.server.settings_layers import (
    Layer,
    assignment,
    environment_layer,
    file_layer,
    joined,
    nested,
)
from intone.server.settings_printing import as_toml, settings_table

DOCS = Path(__file__).parents[2] / "docs" / "serve.md"


def test_flags_win_over_environment_over_file_over_defaults(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "intone.toml").write_text(
        "[server]\nhost = '::1'\nport = 1\n[queue]\nrunning = 2\n", encoding="utf-8"
    )
    monkeypatch.setenv("INTONE_SERVER__PORT", "2")
    monkeypatch.setenv("INTONE_SERVER__CORS_ORIGINS", "https://a.example, https://b.example")
    environment = environment_layer({"INTONE_SERVER__PORT": "2"})
    file = file_layer(tmp_path / "intone.toml")
    effective = joined([Layer("flag", nested({"server.port": 3})), environment, file])

    server = effective.settings.server
    assert (server.host, server.port, effective.settings.queue.running) == ("::1", 3, 2)
    assert server.cors_origins == ("https://a.example", "https://b.example")
    assert effective.origins["server.port"] == "flag"
    assert effective.origins["server.cors_origins"] == "environment"
    assert effective.origins["server.host"].endswith("intone.toml")
    assert effective.origins["limits.body"] == "default"


def test_sizes_are_written_as_people_write_them() -> None:
    layer = Layer("flag", nested({"limits.body": "3MB", "model.memory_budget": "1.5 GiB"}))
    settings = joined([layer]).settings

    assert (settings.limits.body, settings.model.memory_budget) == (3_000_000, 1_610_612_736)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"server.prot": 1}, "unknown setting 'server.prot' (flag); near it: server.port"),
        ({"servers": {}}, "unknown setting 'servers' (flag)"),
        ({"server.port": "x"}, "server.port is 'x' (flag): Input should be a valid integer"),
        ({"server.port": 70_000}, "server.port is 70000 (flag)"),
        ({"limits.body": "3 XB"}, "a size is '3 XB'"),
    ],
)
def test_what_cannot_be_is_refused_by_name_and_place(values: dict[str, object], said: str) -> None:
    with pytest.raises(InvalidSettingError) as caught:
        joined([Layer("flag", nested(values))])
    assert said in str(caught.value)


def test_a_variable_that_names_nothing_is_refused_and_other_rooms_keep_theirs() -> None:
    with pytest.raises(InvalidSettingError, match="INTONE_SERVER__PROT names no setting"):
        environment_layer({"INTONE_SERVER__PROT": "1"})
    assert environment_layer({"INTONE_VOICES_DIR": "/x", "INTONE_DEBUG": "1"}).values == {}


def test_a_file_that_is_no_toml_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text("port 1", encoding="utf-8")

    with pytest.raises(InvalidSettingError, match="is not TOML"):
        file_layer(tmp_path / "a.toml")
    with pytest.raises(InvalidSettingError, match="cannot read"):
        file_layer(tmp_path / "b.toml")
    with pytest.raises(InvalidSettingError, match="lacks its '='"):
        assignment("server.port")


def test_the_printed_settings_are_a_file_that_gives_them_again() -> None:
    given = Layer("flag", nested({"model.served": "a,b", "speech.voice_map": {"x.y": "z"}}))
    effective = joined([given])
    printed = as_toml(effective)

    again = joined([Layer("file", tomllib.loads(printed))]).settings
    assert again == effective.settings
    assert 'served = ["a", "b"]  # flag' in printed


def test_the_variables_of_the_founding_document_are_read() -> None:
    variables, defaults = compat_layers(
        {
            "QWEN_MODEL_ID": "Qwen/Qwen3-TTS-12Hz-0.6B-CustomVoice",
            "QWEN_DEVICE": "cuda:0",
            "QWEN_DTYPE": "bfloat16",
            "QWEN_DEFAULT_LANGUAGE": "English",
            "QWEN_DEFAULT_SPEAKER": "Ryan",
            "QWEN_DEFAULT_INSTRUCT": "",
        }
    )
    own = Layer("environment", nested({"model.device": "cpu"}))
    settings = joined([own, variables, defaults]).settings

    assert settings.server.port == 8_888
    assert settings.model.default == "Qwen/Qwen3-TTS-12Hz-0.6B-CustomVoice"
    assert (settings.model.device, settings.model.dtype) == ("cpu", "bf16")
    assert (settings.speech.language, settings.speech.voice) == ("English", "Ryan")
    assert settings.speech.instruct is None
    with pytest.raises(InvalidSettingError, match="QWEN_DTYPE is 'int3'"):
        compat_layers({"QWEN_DTYPE": "int3"})


def test_a_variable_that_chooses_nothing_is_said_to() -> None:
    notes = compat_notes({"QWEN_ATTN_IMPL": "flash_attention_2"})

    assert "QWEN_ATTN_IMPL=flash_attention_2 is accepted and chooses nothing" in notes[0]
    assert compat_notes({}) == ()


def test_the_table_of_the_docs_is_that_of_the_code() -> None:
    assert settings_table() in DOCS.read_text(encoding="utf-8")
    assert "| |" not in settings_table()  # every setting says what it means


def test_beyond_loopback_keys_are_needed() -> None:
    for host in ("127.0.0.1", "127.8.8.8", "::1", "localhost"):
        check_binding(host, has_keys=False, is_insecure=False)
    for host in ("0.0.0.0", "::", "192.168.0.2", "box.example"):
        with pytest.raises(InvalidSettingError, match="intone keys add"):
            check_binding(host, has_keys=False, is_insecure=False)
    check_binding("0.0.0.0", has_keys=True, is_insecure=False)
    check_binding("0.0.0.0", has_keys=False, is_insecure=True)


def test_settings_made_by_hand_read_nothing_from_around(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INTONE_SERVER__PORT", "2")

    assert Settings().server.port == 8_000
