"""The one error tree. Every message states the value received, what is allowed, the next step.

IntoneError
├── RequestError                    the request cannot be served as written
│   ├── UnknownVoiceError
│   ├── UnknownLanguageError
│   ├── UnsupportedModeError        this kind of checkpoint cannot do what was asked
│   ├── EmptyTextError
│   ├── TextTooLongError
│   ├── InvalidSettingError
│   ├── ReferenceAudioError
│   ├── VoiceFileError              not a voice file, or a damaged one
│   ├── MissingReferenceTextError
│   ├── MarkupError                 a tag or a line of a script; knows its line and column
│   ├── TextFileError               a cast, a lexicon or a book cannot be read
│   └── RecordError                 what was written beside a take or a book is not usable
├── ModelError                      the model cannot be used
│   ├── ModelNotFoundError
│   ├── CheckpointError
│   └── DownloadError
├── OutputError                     the result cannot be written
├── MissingDependencyError          an optional package is absent
├── CapacityError                   the engine is full; try again later
├── EngineStoppedError              the engine was closed or died
├── RemoteError                     a server that was to speak is not there, refused, or broke off
├── BatchError                      rows of a set have no take; the others are kept
├── BenchError                      a process that was to be measured did not run
└── TrainError                      a stage of training cannot go on
    ├── DatasetError                the data cannot be trained on as they are
    ├── RunError                    a run's directory is missing, foreign or damaged
    └── DivergedError               the loss is no number any more, or ran away
"""


class IntoneError(Exception):
    """Base of every error that Intone raises on purpose."""


class RequestError(IntoneError):
    """The request cannot be served as written; changing it helps."""


class UnknownVoiceError(RequestError):
    """No voice of that name."""


class UnknownLanguageError(RequestError):
    """The checkpoint does not know that language."""


class UnsupportedModeError(RequestError):
    """This kind of checkpoint cannot do what was asked."""


class EmptyTextError(RequestError):
    """There is nothing to speak."""


class TextTooLongError(RequestError):
    """Text and audio do not fit the position budget."""


class InvalidSettingError(RequestError):
    """A setting is outside its range."""


class ReferenceAudioError(RequestError):
    """The reference clip cannot be used."""


class VoiceFileError(RequestError):
    """The file is not a voice, is damaged, or is of a later version."""


class MissingReferenceTextError(RequestError):
    """An ICL prompt needs the words of its reference clip."""


class MarkupError(RequestError):
    """A tag or a line of a script means nothing; the message begins with its place."""

    def __init__(self, message: str, *, line: int, column: int) -> None:
        super().__init__(f"line {line}, column {column}: {message}")
        self.line = line
        """From 1."""
        self.column = column
        """In characters, from 1."""


class TextFileError(RequestError):
    """A cast, a lexicon or a book cannot be read; the message names the file and the place."""


class RecordError(RequestError):
    """What was written beside a take or a book is missing, foreign, or of other settings."""


class ModelError(IntoneError):
    """The model cannot be used."""


class ModelNotFoundError(ModelError):
    """No such checkpoint on this machine."""


class CheckpointError(ModelError):
    """The checkpoint is truncated, foreign or inconsistent."""


class DownloadError(ModelError):
    """A pull failed."""


class OutputError(IntoneError):
    """The result cannot be written where it was asked for."""


class MissingDependencyError(IntoneError):
    """An optional package is needed; the message names the extra that brings it."""


class CapacityError(IntoneError):
    """The engine's queue is full."""


class EngineStoppedError(IntoneError):
    """The engine was closed, or its thread died."""


class RemoteError(IntoneError):
    """A server that was to speak cannot be reached, refused the key, failed, or broke off."""


class BatchError(IntoneError):
    """Rows of a set could not be spoken; the others are kept, with the reasons beside them."""


class BenchError(IntoneError):
    """A process that was to be measured could not be started, or died."""


class TrainError(IntoneError):
    """A stage of training cannot go on."""


class DatasetError(TrainError):
    """The data cannot be trained on as they are; the message names where the reasons stand."""


class RunError(TrainError):
    """A run's directory is missing, foreign or damaged."""


class DivergedError(TrainError):
    """The loss is no number any more, or ran away; the batch has been saved."""
