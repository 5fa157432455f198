"""Files that one user may read and nobody else."""

import os
import secrets
import stat
from pathlib import Path


class Exposed(ValueError):
    """The file can't be used as a secret; the sentence says why."""


def read_private(path: Path) -> bytes:
    """The content of a plain file of mode 0600 that the running user owns.  Raises Exposed."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        raise Exposed(f"the file {path} can't be opened: {error.strerror}.") from None
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise Exposed(f"{path} is not a plain file.")
        if status.st_mode & 0o077:
            raise Exposed(f"the file {path} is open to group or others; set its mode to 0600.")
        if status.st_uid != os.geteuid():
            raise Exposed(f"the file {path} belongs to another user than the service runs as.")
        return os.read(descriptor, 1 << 20)
    finally:
        os.close(descriptor)


def write_private(path: Path, text: str, *, replace: bool) -> None:
    """Write a file of mode 0600, on the disk when this returns.

    Without `replace` an existing one raises FileExistsError.  A replaced file is either the old one
    or the new one at every moment, and keeps its owner.
    """
    target = path.with_name(f".{path.name}.{secrets.token_hex(4)}") if replace else path
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    if replace:
        if os.geteuid() == 0:
            status = path.stat()
            os.chown(target, status.st_uid, status.st_gid)
        target.replace(path)
