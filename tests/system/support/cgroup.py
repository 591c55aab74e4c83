"""A memory limit of the system's own, which ends whoever goes over it: a control group, of either version."""

import os
from pathlib import Path

ROOT = Path("/sys/fs/cgroup")


class Unavailable(Exception):
    """No control group can be made here."""


class MemoryGroup:
    """Processes that are added, and what they start, have so many bytes together; what they had counts elsewhere."""

    def __init__(self, limit_bytes):
        is_two = (ROOT / "cgroup.controllers").exists()
        parent = ROOT if is_two else ROOT / "memory"
        self.limit_file, self.peak_file = ("memory.max", "memory.peak") if is_two else (
            "memory.limit_in_bytes", "memory.max_usage_in_bytes")
        self.folder = parent / f"provgate-test-{os.getpid()}"
        if not is_two and not (parent / self.limit_file).exists():
            raise Unavailable("there is no memory controller")
        try:
            self.folder.mkdir()
        except OSError as error:
            raise Unavailable(f"{self.folder}: {error.strerror}") from error
        try:
            (self.folder / self.limit_file).write_text(str(limit_bytes))
        except OSError as error:
            self.folder.rmdir()
            raise Unavailable(f"{self.folder / self.limit_file}: {error.strerror}") from error

    def add(self, pid):
        """From now on this process is in it."""
        (self.folder / "cgroup.procs").write_text(str(pid))

    def peak_bytes(self):
        """The most that was used at a time; 0 where the system does not say."""
        file = self.folder / self.peak_file
        return int(file.read_text()) if file.exists() else 0

    def close(self):
        """Whoever is still in it goes back."""
        for pid in (self.folder / "cgroup.procs").read_text().split():
            (self.folder.parent / "cgroup.procs").write_text(pid)
        self.folder.rmdir()
