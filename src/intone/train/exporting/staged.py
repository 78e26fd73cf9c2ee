"""Directories that appear whole or not at all, and files that are shared instead of copied.

A directory is filled beside its target under a hidden name, synced, and renamed when it is
complete; whatever ends the filling early leaves nothing behind.
"""

from __future__ import annotations

import errno
import os
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from intone.audio.durable import make_directory, sync_directory
from intone.audio.writer import output_error
from intone.core.errors import OutputError


@contextmanager
def staged_directory(target: Path, *, replaces: bool = False) -> Iterator[Path]:
    """Yields an empty directory that becomes `target` when the block ends without an error.

    Args:
        replaces: an older directory is removed then; otherwise it is refused now.

    Raises:
        OutputError: `target` exists and is not empty, or the system refused; nothing is left.
    """
    if not replaces:
        _refuse_content(target)
    target = target.absolute()
    staged = target.with_name(f".{target.name}.{secrets.token_hex(4)}.part")
    make_directory(target.parent)
    try:
        staged.mkdir()
        try:
            yield staged
            _sync_tree(staged)
            if target.is_dir():
                shutil.rmtree(target) if replaces else target.rmdir()
            os.replace(staged, target)
            sync_directory(target.parent)
        finally:
            shutil.rmtree(staged, ignore_errors=True)
    except OSError as error:
        raise output_error(str(target), error) from error


def link_or_copy(source: Path, target: Path) -> bool:
    """Gives a file a second name, or copies it where the file system cannot; True for a link.

    A link takes no space. What it points through is followed, so hub caches may be the source.

    Raises:
        OSError: neither is possible; inside `staged_directory` it becomes an OutputError.
    """
    source = source.resolve()
    try:
        os.link(source, target)
    except OSError as error:
        if error.errno not in _NO_LINK:
            raise
        shutil.copyfile(source, target)
        return False
    return True


def symlink_or_copy(source: Path, target: Path) -> bool:
    """Points to a file, or copies it where the system refuses; True for a pointer.

    For directories that live shorter than their source: a pointer crosses file systems.

    Raises:
        OSError: neither is possible.
    """
    try:
        target.symlink_to(source.resolve())
    except (OSError, NotImplementedError):
        shutil.copyfile(source, target)
        return False
    return True


Share = Callable[[Path, Path], bool]
"""`link_or_copy` or `symlink_or_copy`."""

_NO_LINK = {errno.EXDEV, errno.EPERM, errno.EACCES, errno.EMLINK, errno.ENOTSUP, errno.ENOSYS}
"""Other device, not supported, not permitted (foreign owner), too many names."""


def _refuse_content(target: Path) -> None:
    if target.is_dir() and not any(target.iterdir()):
        return
    if target.exists() or target.is_symlink():
        raise OutputError(
            f"{target} exists and is not an empty directory; nothing is replaced. "
            "Choose another --out, or remove it."
        )


def _sync_tree(directory: Path) -> None:
    """Makes every new file durable; a link's content was so before."""
    for path in sorted(directory.rglob("*")):
        if path.is_dir():
            sync_directory(path)
        elif path.stat().st_nlink == 1:
            with path.open("rb+") as file:
                os.fsync(file.fileno())
    sync_directory(directory)
