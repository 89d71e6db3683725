"""Files that are read from outside, or written where somebody else may have put something.

Reading takes regular files only, of a stated size: no device, no pipe, no folder. Writing never goes through what
stands in the way: a link or a file of the same name is replaced, not written into.
"""

from __future__ import annotations

import errno
import os
import re
import stat
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import BinaryIO
from uuid import uuid4

MEBIBYTE = 1024 * 1024
MAX_TEXT_BYTES = 256 * MEBIBYTE
"""Of logs and recordings."""
MAX_NAME_BYTES = 200
"""Of a file's name, without its ending: most file systems hold 255."""

_STREAMS = re.compile(r"/dev/(?:stdout|stderr|null|full|tty|fd/\d+)")
"""Names of the process's own streams, which are written to as they are."""
_READS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0) | getattr(os, "O_BINARY", 0)
_WRITES = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)


# ------------------------------------------------------------------------------------------------ reading
def read_file(path: str | Path, *, most: int = MAX_TEXT_BYTES) -> bytes:
    """Return what a file holds.

    Raises:
        OSError: it cannot be read, is no regular file, or holds more than `most` bytes. `strerror` says which.
    """
    descriptor = _opened(path, _READS)
    with open(descriptor, "rb") as file:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise _refused(errno.EINVAL, f"it is {_kind(found.st_mode)}, not a file", path)
        data = file.read(most + 1) if found.st_size <= most else b""
    if found.st_size > most or len(data) > most:
        raise _refused(errno.EFBIG, f"it holds more than {most:,} bytes", path)
    return data


def inside(folder: Path, name: str) -> Path:
    """Return the file of this name in a folder or in a folder within it. The name may come from anybody.

    Raises:
        ValueError: the name leads out of the folder (absolute, with `..`, a drive, or through a link), or is none.
    """
    posix, windows = PurePosixPath(name), PureWindowsPath(name)
    if not name or not posix.parts or "\0" in name:
        raise ValueError("it is no name of a file")
    if posix.is_absolute() or windows.drive or windows.root or ".." in windows.parts:
        raise ValueError("it leads out of the folder; only files in it may be named")
    path = folder / name
    try:
        within = path.resolve().is_relative_to(folder.resolve())
    except (OSError, RuntimeError) as error:  # a circle of links, a name that is too long
        raise ValueError(f"it cannot be found: {getattr(error, 'strerror', None) or error}") from None
    if not within:
        raise ValueError("it leads out of the folder, through a link; only files in it may be named")
    return path


def is_file_name(name: str) -> bool:
    """Return whether a text can be the name of a file on every system, without a folder: what a session may be called
    that has files of its own."""
    return (
        0 < len(name.encode("utf-8", "replace")) <= MAX_NAME_BYTES
        and name.isprintable()
        and name not in (".", "..")
        and not set(name) & set('/\\:*?"<>|')
        and not _is_reserved(name)
    )


def _is_reserved(name: str) -> bool:
    """Whether Windows takes the name for a device."""
    return re.fullmatch(r"(?i:con|prn|aux|nul|com\d|lpt\d)(?:\..*)?", name) is not None


# ------------------------------------------------------------------------------------------------ writing
def create_file(path: str | Path, *, exclusive: bool = False, buffering: int = -1) -> BinaryIO:
    """Return a new file to be written. What had the name before is gone, or, if `exclusive`, an error.

    `buffering` is that of `open`.

    Raises:
        OSError: it cannot be written; FileExistsError with `exclusive`. `strerror` says why.
    """
    if _STREAMS.fullmatch(str(path)):
        return open(path, "wb", buffering)
    for _ in range(3):
        try:
            return open(_opened(path, _WRITES), "wb", buffering)
        except FileExistsError:
            if exclusive:
                raise
            _make_way(path)
    raise _refused(errno.EEXIST, "somebody else makes it again and again", path)


def write_file(path: str | Path, data: bytes) -> None:
    """Write a whole file, in one step: a reader never sees half of it. What had the name before is replaced.

    Raises:
        OSError: it cannot be written. `strerror` says why.
    """
    if _STREAMS.fullmatch(str(path)):
        with open(path, "wb") as stream:
            stream.write(data)
        return
    path = Path(path)
    _check_replaceable(path)
    temporary = path.with_name(f".{path.name[:40]}.{uuid4().hex[:12]}.part") if path.name else path
    try:
        with create_file(temporary, exclusive=True) as file:
            file.write(data)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _make_way(path: str | Path) -> None:
    _check_replaceable(path)
    Path(path).unlink(missing_ok=True)


def _check_replaceable(path: str | Path) -> None:
    """Raise OSError if what has the name is something else than a file or a link to be replaced by one."""
    try:
        found = os.lstat(path)
    except FileNotFoundError:
        return
    except ValueError as error:
        raise _refused(errno.EINVAL, str(error), path) from None
    if not stat.S_ISREG(found.st_mode) and not stat.S_ISLNK(found.st_mode):
        number = errno.EISDIR if stat.S_ISDIR(found.st_mode) else errno.EINVAL
        raise _refused(number, f"it is {_kind(found.st_mode)}, not a file", path)


def _opened(path: str | Path, flags: int) -> int:
    try:
        return os.open(path, flags, 0o666)
    except ValueError as error:  # a NUL, or a lone surrogate
        raise _refused(errno.EINVAL, f"this cannot be the name of a file: {error}", path) from None


def _refused(number: int, why: str, path: str | Path) -> OSError:
    return OSError(number, why, str(path))


def _kind(mode: int) -> str:
    for is_kind, name in (
        (stat.S_ISDIR, "a folder"),
        (stat.S_ISFIFO, "a pipe"),
        (stat.S_ISCHR, "a device"),
        (stat.S_ISBLK, "a device"),
        (stat.S_ISSOCK, "a socket"),
    ):
        if is_kind(mode):
            return name
    return "something else"
