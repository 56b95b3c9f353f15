"""The data directory of the embedded server: private to its user, and used by one Crafter at a time."""

import os
import sys
from pathlib import Path

from crafter.core.config import ConfigurationError

if sys.platform != "win32":  # which has no flock; there, the embedded server is refused before this is needed
    import fcntl

LOCK_NAME = "crafter.lock"
NO_SERVER = "There is no embedded MongoDB for this platform."
INSTEAD = "Set MONGODB_URI, or run `docker compose up -d`."


def prepare_data_dir(data_dir: Path) -> Path:
    """Create the directory, or take over an empty one, for its owner only (0700); its absolute path.

    Raises ConfigurationError; also where there is no embedded server, and for a directory that holds other
    things and is open to others: closing that one could lock them out.
    """
    if sys.platform == "win32":
        raise ConfigurationError([f"{NO_SERVER} {INSTEAD}"])
    data_dir = data_dir.absolute()
    try:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        if data_dir.stat().st_mode & 0o077:
            if any(data_dir.iterdir()) and not (data_dir / LOCK_NAME).exists():
                raise ConfigurationError(
                    [f"CRAFTER_DATA_DIR: {data_dir} has other files, open to other users: name an empty one."]
                )
            data_dir.chmod(0o700)
    except OSError as error:
        raise unusable(data_dir, error) from None
    return data_dir


class DataDirLock:
    """The right to use a data directory. The kernel takes it back when the process ends, however it ends."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    @classmethod
    def acquire(cls, data_dir: Path) -> "DataDirLock":
        """Take the lock and leave our process id in it.

        Raises ConfigurationError, which names the process that has it. That process is never probed: it may
        belong to another user, or its id to somebody else by now; the lock itself says whether it lives.
        """
        try:
            descriptor = os.open(data_dir / LOCK_NAME, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise unusable(data_dir, error) from None
        if not try_lock(descriptor):
            holder = os.pread(descriptor, 32, 0).decode(errors="replace").strip()
            os.close(descriptor)
            other = f"Another Crafter (process {holder or 'unknown'}) already uses {data_dir}"
            raise ConfigurationError([f"{other}: stop it, or set CRAFTER_DATA_DIR to another directory."])
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        return cls(descriptor)

    def release(self) -> None:
        """Let others have the directory. The file stays: removing it would let two hold it."""
        os.ftruncate(self._descriptor, 0)
        os.close(self._descriptor)


def try_lock(descriptor: int) -> bool:
    """Whether nobody else had the file locked; if so, it is ours until the descriptor is closed."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def unusable(path: Path, error: OSError) -> ConfigurationError:
    """What to say about a part of the data directory that the system does not let us use."""
    return ConfigurationError([f"CRAFTER_DATA_DIR: {path} cannot be used: {error.strerror}."])
