"""The list of models: what each is for, where it stands, what can be done."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.studio.speak.speaking_desk import BUILTIN, LARGE, make_desk, models_of

from intone.core.errors import ModelNotFoundError
from intone.studio.system.about import about
from intone.studio.system.models_view import (
    checked_model,
    model_rows,
    models_table,
    size_words,
)


def test_models_here_can_be_loaded_and_the_others_pulled(tmp_path: Path) -> None:
    desk = make_desk(tmp_path, BUILTIN, LARGE)
    rows = {row.name: row for row in model_rows(desk)}
    assert rows["builtin"].action == "load"
    assert rows["1.7b-custom"].needs == "1.90 GB"
    assert rows["0.6b-base"].action == "pull"
    assert rows["0.6b-base"].needs == "2.52 GB to download"
    html = models_table(model_rows(desk))
    assert 'data-do="load" data-id="builtin"' in html
    assert 'data-do="pull" data-id="1.7b-design"' in html


def test_what_is_in_memory_is_not_loaded_again(tmp_path: Path) -> None:
    desk = make_desk(tmp_path)
    models = models_of(desk)
    models.in_memory, models.leased = {"builtin": "ready"}, {"builtin": 1}
    row = model_rows(desk)[0]
    assert (row.status, row.action) == ("in memory, speaking", None)


def test_choosing_a_size_says_what_it_does_and_what_is_missing(tmp_path: Path) -> None:
    desk = make_desk(tmp_path, BUILTIN, LARGE)
    models_of(desk).in_memory = {"builtin": "ready"}
    assert "None of that size is here yet" in size_words(desk, "0.6b")
    large = size_words(desk, "1.7b")
    assert "frees builtin first" in large
    assert "Not here: 1.7b-base, 1.7b-design" in large


def test_only_models_can_be_pulled(tmp_path: Path) -> None:
    desk = make_desk(tmp_path)
    assert checked_model(desk, " 0.6B-Custom ") == "0.6b-custom"
    assert checked_model(desk, "owner/name") == "owner/name"
    for wrong in ("", "../../etc", "owner/../name", "gpt"):
        with pytest.raises(ModelNotFoundError, match="can be pulled"):
            checked_model(desk, wrong)


def test_about_says_versions_and_places(tmp_path: Path) -> None:
    html = about(make_desk(tmp_path), "anonymous")
    for words in ("Intone", "gradio", "fp32", str(tmp_path / "voices"), "takes"):
        assert words in html
