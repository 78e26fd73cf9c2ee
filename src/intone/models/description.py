"""What a checkpoint directory says of itself in its JSON files. No weights, no torch."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from intone.core.errors import CheckpointError
from intone.models.codec.config import CodecConfig
from intone.models.config import GenerationDefaults, ModelConfig, read_json


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelDescription:
    """Configuration and defaults of one checkpoint."""

    directory: Path
    config: ModelConfig
    defaults: GenerationDefaults
    codec: CodecConfig

    @classmethod
    def read(cls, directory: Path) -> ModelDescription:
        """Reads a directory in the official layout.

        Raises:
            CheckpointError: missing, foreign, or of two checkpoints.
        """
        if not directory.is_dir():
            raise CheckpointError(
                f"{directory} is not a directory; give a checkpoint directory or a model name "
                "(see `intone models list`)."
            )
        description = cls(
            directory=directory,
            config=ModelConfig.from_dict(read_json(directory / "config.json")),
            defaults=_generation_defaults(directory),
            codec=CodecConfig.from_dict(read_json(directory / "speech_tokenizer" / "config.json")),
        )
        description._check_codebooks()
        return description

    @property
    def codec_directory(self) -> Path:
        return self.directory / "speech_tokenizer"

    def _check_codebooks(self) -> None:
        talker, codec = self.config.talker.num_codebooks, self.codec.num_codebooks
        if talker != codec:
            raise CheckpointError(
                f"{self.directory}: config.json has {talker} codebooks, speech_tokenizer has "
                f"{codec}; they are not of one checkpoint. Pull it again."
            )


def _generation_defaults(directory: Path) -> GenerationDefaults:
    path = directory / "generation_config.json"
    return GenerationDefaults.from_dict(read_json(path) if path.exists() else {})
