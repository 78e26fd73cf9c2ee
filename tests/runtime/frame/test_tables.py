"""Tables that were multiplied at load give the rows of the networks that they stand for."""

from __future__ import annotations

import torch
from tests.runtime.frame.conftest import NetworksOf, specs_of

from intone.models.rows import embed_rows
from intone.runtime.frame.tables import FoldedTables


@torch.inference_mode()
def test_text_rows_are_those_of_embedding_and_projection(networks: NetworksOf) -> None:
    model = networks("custom")
    tables = FoldedTables(model.talker, model.predictor)
    ids = torch.arange(-1, model.talker.config.text_vocab_size)
    rows = tables.text(ids)
    torch.testing.assert_close(rows, model.talker.embed_text(ids), rtol=1e-6, atol=1e-6)
    assert not rows[0].any(), "-1 is no text"


@torch.inference_mode()
def test_a_vocabulary_of_many_pieces_is_folded_whole(networks: NetworksOf) -> None:
    model = networks("custom")
    table = model.talker.model.text_embedding
    long = torch.nn.Embedding.from_pretrained(table.weight.repeat(60, 1)[:17_000])
    model.talker.model.text_embedding = long
    try:
        rows = FoldedTables(model.talker, model.predictor).text(torch.tensor([0, 8_191, 8_192, -1]))
        ids = torch.tensor([0, 8_191, 8_192, -1])
        torch.testing.assert_close(rows, model.talker.embed_text(ids), rtol=1e-6, atol=1e-6)
    finally:
        model.talker.model.text_embedding = table


@torch.inference_mode()
def test_the_code_predictor_reads_what_its_projection_would_give_it(networks: NetworksOf) -> None:
    model = networks("custom")
    talker, predictor = model.talker, model.predictor
    tables, ids = FoldedTables(talker, predictor), torch.arange(predictor.config.vocab_size)
    project = predictor.small_to_mtp_projection
    first = tables.predictor_code(0, ids)
    torch.testing.assert_close(first, project(talker.embed_codebook0(ids)), rtol=1e-6, atol=1e-6)
    for book in range(1, predictor.config.num_codebooks - 1):
        rows = tables.predictor_code(book, ids)
        torch.testing.assert_close(rows, project(predictor.embed(book, ids)), rtol=1e-6, atol=1e-6)
    assert tables.predictor_code(0, ids).shape[-1] == predictor.config.block.hidden_size


@torch.inference_mode()
def test_prompt_rows_are_those_of_training_and_of_the_plain_runner(networks: NetworksOf) -> None:
    for kind in ("base", "custom", "design"):
        model = networks(kind)
        tables = FoldedTables(model.talker, model.predictor)
        for spec in specs_of(kind, model):
            prompt = model.job(spec).prompt
            text, codes = torch.from_numpy(prompt.text_ids), torch.from_numpy(prompt.codec_ids)
            expected = embed_rows(model.talker, model.predictor, text, codes)
            torch.testing.assert_close(tables.prompt(text, codes), expected, rtol=1e-6, atol=1e-6)
