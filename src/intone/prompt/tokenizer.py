"""Text to ids: Qwen2's byte-level BPE, built from the files of a checkpoint directory.

Two things differ from calling transformers on the whole chat string, both on purpose:

- Text never becomes a control token. Upstream turns "<|im_end|>" inside a user's text into id
  151645 and so lets a text close its own turn; here it is read as the characters it is made of.
- White space at both ends is dropped. Upstream tokenises "assistant\\n" and the text together, so
  a leading line break fuses with the template's own ("\\n\\n" is one token) and changes the role
  rows, which are cut off by counting.

For every other text the ids equal those of transformers' `Qwen2TokenizerFast`. (transformers
4.57.3 swaps in another word pattern, Mistral's, when qwen-tts 0.1.1 opens an official checkpoint
as a local directory, but not when it opens the same files by their hub name. Qwen's own pattern
is used here always; words such as "iPhone" are where the two differ.)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers

from intone.core.errors import CheckpointError, InvalidSettingError
from intone.models.config import JsonObject, field_of, read_json

# Source: `PRETOKENIZE_REGEX` of transformers' tokenization_qwen2.py (Apache-2.0).
_WORD_PATTERN = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)


class TextTokenizer:
    """Encodes text; knows the control tokens by name, and never finds them in a text."""

    def __init__(
        self,
        vocabulary: Mapping[str, int],
        merges: Sequence[tuple[str, str]],
        special_ids: Mapping[str, int],
    ) -> None:
        """Builds the encoder.

        Args:
            vocabulary: id of every byte-level piece.
            merges: pairs of pieces, most eager first.
            special_ids: id of every added token, by its content.
        """
        model = models.BPE(vocab=dict(vocabulary), merges=list(merges))
        self._encoder = Tokenizer(model)
        self._encoder.normalizer = normalizers.NFC()
        self._encoder.pre_tokenizer = pre_tokenizers.Sequence(
            [
                pre_tokenizers.Split(Regex(_WORD_PATTERN), behavior="isolated"),
                pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
            ]
        )
        self._special_ids = dict(special_ids)

    @classmethod
    def from_dir(cls, directory: Path) -> TextTokenizer:
        """Reads vocab.json, merges.txt and tokenizer_config.json.

        Raises:
            CheckpointError: a file is missing, unreadable, or does not fit the others.
        """
        vocabulary = _read_vocabulary(directory / "vocab.json")
        merges = _read_merges(directory / "merges.txt", vocabulary)
        special_ids = _read_special_ids(directory / "tokenizer_config.json", vocabulary)
        return cls(vocabulary, merges, special_ids)

    def encode(self, text: str) -> list[int]:
        """Returns the ids of `text`, white space at both ends dropped; may be empty.

        Raises:
            InvalidSettingError: the text is not valid Unicode (a lone surrogate).
        """
        return self.encode_exactly(text.strip())

    def encode_role(self, role: str) -> list[int]:
        """Returns the ids of a turn's head without its control token: the role and a line break."""
        return self.encode_exactly(f"{role}\n")

    def special_id(self, content: str) -> int:
        """Returns the id of a control token; raises CheckpointError when there is none."""
        if content not in self._special_ids:
            raise CheckpointError(
                f"tokenizer_config.json has no added token {content!r}; "
                "this is not the tokenizer of a Qwen3-TTS checkpoint."
            )
        return self._special_ids[content]

    def encode_exactly(self, text: str) -> list[int]:
        """Returns the ids of `text`, white space and all; raises as `encode` does."""
        try:
            text.encode("utf-8")
        except UnicodeEncodeError as error:
            raise InvalidSettingError(
                f"text holds {text[error.start]!r} at position {error.start}, half of a character "
                "(a lone surrogate); remove it."
            ) from error
        return list(self._encoder.encode(text, add_special_tokens=False).ids)


def _read_vocabulary(path: Path) -> dict[str, int]:
    vocabulary = {str(piece): int(index) for piece, index in read_json(path).items()}
    missing = [byte for byte in pre_tokenizers.ByteLevel.alphabet() if byte not in vocabulary]
    if missing:
        raise CheckpointError(
            f"{path.name} lacks {len(missing)} of the 256 byte pieces; it is not byte-level BPE."
        )
    return vocabulary


def _read_merges(path: Path, vocabulary: Mapping[str, int]) -> list[tuple[str, str]]:
    """Returns the merges; only a first line "#version..." is a remark, other '#' lines are not."""
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise CheckpointError(f"{path} cannot be read ({error}); pull the model again.") from error
    if lines[0].startswith("#version"):
        del lines[0]
    merges = []
    for line in filter(None, lines):
        left, _, right = line.partition(" ")
        if not (left in vocabulary and right in vocabulary and left + right in vocabulary):
            raise CheckpointError(f"{path.name}: merge {line!r} does not fit vocab.json.")
        merges.append((left, right))
    return merges


def _read_special_ids(path: Path, vocabulary: Mapping[str, int]) -> dict[str, int]:
    added: JsonObject = field_of(read_json(path), "added_tokens_decoder", path.name)
    ids = {str(token["content"]): int(index) for index, token in added.items()}
    taken = set(vocabulary.values())
    for content, index in ids.items():
        if index in taken and vocabulary.get(content) != index:
            raise CheckpointError(
                f"{path.name}: id {index} of {content!r} is another piece in vocab.json."
            )
    return ids
