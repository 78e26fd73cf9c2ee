"""The effective settings: flags over environment over file over defaults, and where each came from.

Environment variables are `INTONE_SECTION__NAME`; a file is TOML with a table per section. A name
that nobody knows is refused, wherever it stands.
"""

from __future__ import annotations

from pydantic import Field
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from intone.server.sections import (
    JobsSection,
    LimitsSection,
    LiveSection,
    ModelSection,
    QueueSection,
    ServerSection,
    SpeechSection,
    StudioSection,
    WyomingSection,
)


class Settings(BaseSettings):
    """All sections. Made by hand it takes what it is given and reads nothing from around it."""

    model_config = SettingsConfigDict(
        frozen=True,
        extra="forbid",
        env_prefix="INTONE_",
        env_nested_delimiter="__",
        use_attribute_docstrings=True,
        hide_input_in_errors=True,
    )

    server: ServerSection = Field(default_factory=ServerSection)
    model: ModelSection = Field(default_factory=ModelSection)
    queue: QueueSection = Field(default_factory=QueueSection)
    limits: LimitsSection = Field(default_factory=LimitsSection)
    speech: SpeechSection = Field(default_factory=SpeechSection)
    jobs: JobsSection = Field(default_factory=JobsSection)
    live: LiveSection = Field(default_factory=LiveSection)
    studio: StudioSection = Field(default_factory=StudioSection)
    wyoming: WyomingSection = Field(default_factory=WyomingSection)
    otel: bool = False
    """Trace requests with OpenTelemetry (`intone[otel]`)."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Only what it is given: layers are read and joined where they can be told apart."""
        return (init_settings,)
