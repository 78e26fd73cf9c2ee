"""What a run exports speaks the same codes in the public package and here, greedily, in fp32."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from tests.oracle.cases import NUM_FRAMES, TakeCase
from tests.oracle.conftest import TinyCheckpoint
from tests.oracle.ours import Ours
from tests.oracle.peer import ENVIRONMENT_VARIABLE, oracle_python, run_upstream
from tests.train.fake_run import write_fake_run

from intone.train.exporting.export import ExportOptions, export
from intone.train.tuning.settings import ExportForm

pytestmark = pytest.mark.oracle

NEW = TakeCase(name="export_new_preset", kind="custom", speaker="anna", language="english")
SECOND = TakeCase(
    name="export_second_preset", kind="custom", speaker="bruno", text_layout="per_frame"
)
OLD = TakeCase(name="export_old_preset", kind="custom", speaker="dylan", text="Hello world")
CLONED = TakeCase(name="export_x_vector", kind="base", text_layout="per_frame")
ICL = TakeCase(
    name="export_icl",
    kind="base",
    text_layout="per_frame",
    ref_text="the voice",
    num_ref_frames=7,
)


@dataclass(frozen=True)
class Exported:
    """One kind of export, and what is spoken with it."""

    name: str
    base: str
    form: ExportForm
    takes: tuple[TakeCase, ...]
    is_lora: bool = False
    keep_cloning: bool = True


EXPORTS = (
    Exported("custom_of_base", "base", "custom", (NEW, SECOND)),
    Exported("custom_of_base_plain", "base", "custom", (NEW,), keep_cloning=False),
    Exported("custom_of_custom", "custom", "custom", (NEW, OLD)),
    Exported("base", "base", "base", (CLONED, ICL)),
    Exported("merged_lora", "base", "custom", (NEW, SECOND), is_lora=True),
    Exported("merged_lora_base", "base", "base", (ICL,), is_lora=True),
)


@pytest.mark.parametrize("exported", EXPORTS, ids=lambda exported: exported.name)
def test_an_export_speaks_the_same_codes_in_the_public_package(
    exported: Exported, tiny_checkpoint: TinyCheckpoint, tmp_path: Path
) -> None:
    python = oracle_python()
    if python is None:
        pytest.skip(f"{ENVIRONMENT_VARIABLE} names no Python with qwen-tts; see `make oracle`")
    base = tiny_checkpoint(exported.base)  # type: ignore[arg-type]
    run = write_fake_run(
        tmp_path / "run", base, speakers=("anna", "bruno"), is_lora=exported.is_lora
    )
    options = ExportOptions(form=exported.form, keep_cloning=exported.keep_cloning)
    directory = export(run, tmp_path / "out", options).directory

    theirs = run_upstream(python, directory, [case.job() for case in exported.takes])
    specs = [case.spec() for case in exported.takes]
    untouched = Ours(base).greedy_codes(specs, NUM_FRAMES) if exported.form == "base" else None
    ours = Ours(directory).greedy_codes(specs, NUM_FRAMES)
    for i, (case, codes) in enumerate(zip(exported.takes, ours, strict=True)):
        np.testing.assert_array_equal(codes, theirs[f"{case.name}/codes"][:NUM_FRAMES])
        if untouched is not None:  # else equality would only show that nothing was trained
            assert not np.array_equal(codes[:8], untouched[i][:8])
