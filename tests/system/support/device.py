"""A disk that fails when it is told to: a file system on a loop device whose bytes are in memory. For root alone."""

import fcntl
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import NamedTuple

BLOCK = 1 << 20
PAGE = 4096
LEFT_TO_WRITE = 4 << 20  # of what others take: allocating all of it ahead needs more than it takes
COMMAND_S = 60
LOOP_SET_CAPACITY = 0x4C07
GOING_DOWN, WITHOUT_LOG = 0x8004587D, 2  # of ext4 and XFS: what xfs_io(8) calls shutdown
F_ADD_SEALS, F_SEAL_WRITE = 1033, 8
TOOLS = ("losetup", "mount", "umount")
PATH = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"


class FileSystem(NamedTuple):
    """What lies on the disk."""

    size: int
    bounded: int  # of `size`, for a thin disk
    make: tuple
    check: tuple
    check_failed: int  # exit status of `check`: what is less is sound, or mended
    options: str  # of mount(8)
    is_log_for_mount: bool = False  # only mount(8) plays what is in its log; `check` would see what is not so


FILE_SYSTEMS = {
    "ext4": FileSystem(128 << 20, 64 << 20, ("mkfs.ext4", "-q", "-F", "-b", "4096", "-N", "512", "-J", "size=4",
                                             "-E", "nodiscard,lazy_itable_init=0,lazy_journal_init=1"),
                       ("fsck.ext4", "-f", "-y"), 4, "errors=remount-ro"),
    # the least that mkfs makes, and 64 MiB of it is its log, which is on the thin disk already
    "xfs": FileSystem(300 << 20, 128 << 20, ("mkfs.xfs", "-q", "-f", "-K"), ("xfs_repair", "-n"), 1, "nouuid", True),
    "btrfs": FileSystem(160 << 20, 64 << 20, ("mkfs.btrfs", "-q", "-f", "-K"), ("btrfs", "check"), 1, "noatime"),
}


class Unavailable(Exception):
    """No such disk can be made here; the text says why."""


def run(*words, status_max=0):
    """A command that must succeed; its standard output."""
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, timeout=COMMAND_S,
                          env={**os.environ, "PATH": PATH, "LC_ALL": "C"}, check=False)
    if done.returncode > status_max:
        raise OSError(f"{' '.join(str(word) for word in words)}: {done.stderr or done.stdout}")
    return done.stdout.strip()


def copy_of(source, target):
    """The bytes of one file in another that is empty; holes stay holes."""
    os.ftruncate(target, os.fstat(source).st_size)
    at = 0
    while True:
        try:
            at = os.lseek(source, at, os.SEEK_DATA)
        except OSError:  # none behind here
            return target
        end = os.lseek(source, at, os.SEEK_HOLE)
        while at < end:
            at += os.pwrite(target, os.pread(source, min(BLOCK, end - at), at), at)


def write_until_full(file):
    """To the last byte."""
    block = bytes(BLOCK)
    while block:
        try:
            file.write(block)
        except OSError:
            block = block[:len(block) // 2]


class Device:
    """Made and mounted at `place`. arm() makes it able to fail, one of three calls makes it fail, repair() mends it."""

    def __init__(self, kind):
        self.kind = FILE_SYSTEMS[kind]
        self.name = kind
        tools = (self.kind.make[0], self.kind.check[0], *TOOLS)
        lacking = [tool for tool in tools if shutil.which(tool, path=PATH) is None]
        if os.geteuid() != 0 or lacking or not Path("/dev/loop-control").exists():
            raise Unavailable(f"only root can make a disk that fails, with loop devices and {', '.join(tools)}")
        self.folder = Path(tempfile.mkdtemp(prefix="provgate-device-"))
        self.place, self.bounded = self.folder / "disk", self.folder / "bounded"
        self.image, self.loop, self.is_mounted = -1, None, False
        try:
            self._make()
        except OSError as error:
            self.close()
            raise Unavailable(str(error)) from error

    def _make(self):
        self.place.mkdir()
        self.bounded.mkdir()
        run("mount", "-t", "tmpfs", "-o", f"size={self.kind.bounded}", "provgate-test", self.bounded)
        self.image = self._memory()
        os.ftruncate(self.image, self.kind.size)
        self._attach()
        run(*self.kind.make, self.loop)
        self._mount(self.kind.options)

    @staticmethod
    def _memory():
        return os.memfd_create("provgate-device", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)

    def _attach(self):
        self.loop = run("losetup", "--sector-size", PAGE, "--find", "--show", f"/proc/{os.getpid()}/fd/{self.image}")
        queue = Path(f"/sys/block/{Path(self.loop).name}/queue")
        (queue / "read_ahead_kb").write_text("0")  # only what is asked for is read
        (queue / "max_sectors_kb").write_text(str(PAGE >> 10))  # some kernels' loop takes half a write for a whole one

    def _mount(self, options):
        run("mount", "-t", self.name, "-o", options, self.loop, self.place)
        self.is_mounted = True  # os.path.ismount() cannot tell it of an XFS that has shut itself down

    def _unmount(self, *options):
        if self.is_mounted:
            run("umount", *options, self.place)
        self.is_mounted = False

    def _take_out(self):
        """Off, with what was written to it still in `image`."""
        self._unmount()
        if self.loop is not None:
            run("losetup", "--detach", self.loop)
            self.loop = None

    def _replace(self, image):
        os.close(self.image)
        self.image = image
        for file in self.bounded.iterdir():
            file.unlink()

    def arm(self, options=None, is_bounded=False):
        """Mounted anew, nothing of it in memory; `options` of mount(8) in place of those of the table."""
        self._take_out()
        image = self._memory()
        self._replace(copy_of(self.image, image))
        if is_bounded:
            self.image = copy_of(image, os.open(self.bounded / "image", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
            os.close(image)
        self._attach()
        self._mount(options or self.kind.options)

    def refuse_writes(self):
        """EIO for each write; what is there can be read."""
        fcntl.fcntl(self.image, F_ADD_SEALS, F_SEAL_WRITE)

    def run_out(self):
        """A thin disk whose ground is full: ENOSPC for each block that was never written. Armed with is_bounded."""
        with (self.bounded / "ballast").open("wb", buffering=0) as ballast:
            write_until_full(ballast)

    def cut(self):
        """EIO for each write and each read, as when a cable is drawn."""
        self.refuse_writes()
        kept = copy_of(self.image, self._memory())
        os.ftruncate(self.image, 0)
        with open(self.loop, "rb") as loop:
            fcntl.ioctl(loop, LOOP_SET_CAPACITY)
        self._replace(kept)

    def shut_down(self):
        """The file system gives up, as after damage that it found; the disk is sound. Not on btrfs."""
        with open(self.place / "down", "wb") as file:
            fcntl.ioctl(file, GOING_DOWN, WITHOUT_LOG.to_bytes(4, "little"))

    def fill(self, left):
        """Others take what the file system has, but for so many bytes, all but a little of it without writing it."""
        with (self.place / "ballast").open("wb", buffering=0) as ballast:
            room = os.statvfs(self.place)
            os.posix_fallocate(ballast.fileno(), 0, room.f_bavail * room.f_frsize - (left or LEFT_TO_WRITE))
            ballast.seek(0, os.SEEK_END)
            if left == 0:
                write_until_full(ballast)
            os.fsync(ballast.fileno())

    def make_room(self):
        """They give it back."""
        (self.place / "ballast").unlink()

    def repair(self):
        """As an operator would: a sound disk with the same bytes, checked, and mounted again."""
        self._take_out()
        self._replace(copy_of(self.image, self._memory()))
        self._attach()
        if self.kind.is_log_for_mount:
            self._mount(self.kind.options)
            self._unmount()
        run(*self.kind.check, self.loop, status_max=self.kind.check_failed - 1)
        self._mount(self.kind.options)

    def close(self):
        """Leave nothing behind."""
        self._unmount("--lazy")
        if os.path.ismount(self.bounded):
            run("umount", "--lazy", self.bounded)
        if self.loop is not None:
            run("losetup", "--detach", self.loop)
        if self.image >= 0:
            os.close(self.image)
        shutil.rmtree(self.folder, ignore_errors=True)
