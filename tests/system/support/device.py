"""A disk that fails when it is told to: ext4 on a loop device whose bytes are in memory. For root alone."""

import fcntl
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

BYTES = 128 << 20
BOUNDED_BYTES = 64 << 20
BLOCK = 1 << 20
JOURNAL_MIB = 4
COMMAND_S = 60
FSCK_FAILED = 4  # fsck(8): what is less is sound, or mended
LOOP_SET_CAPACITY = 0x4C07
F_ADD_SEALS, F_SEAL_WRITE = 1033, 8
TOOLS = ("mkfs.ext4", "fsck.ext4", "losetup", "mount", "umount")
PATH = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"


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
    os.ftruncate(target, BYTES)
    at = 0
    while True:
        try:
            at = os.lseek(source, at, os.SEEK_DATA)
        except OSError:  # none behind here
            return target
        end = os.lseek(source, at, os.SEEK_HOLE)
        while at < end:
            at += os.pwrite(target, os.pread(source, min(BLOCK, end - at), at), at)


class Device:
    """Made and mounted at `place`. arm() makes it able to fail, one of three calls makes it fail, repair() mends it."""

    def __init__(self):
        lacking = [tool for tool in TOOLS if shutil.which(tool, path=PATH) is None]
        if os.geteuid() != 0 or lacking or not Path("/dev/loop-control").exists():
            raise Unavailable(f"only root can make a disk that fails, with loop devices and {', '.join(TOOLS)}")
        self.folder = Path(tempfile.mkdtemp(prefix="provgate-device-"))
        self.place, self.bounded = self.folder / "disk", self.folder / "bounded"
        self.image, self.loop = -1, None
        try:
            self._make()
        except OSError as error:
            self.close()
            raise Unavailable(str(error)) from error

    def _make(self):
        self.place.mkdir()
        self.bounded.mkdir()
        run("mount", "-t", "tmpfs", "-o", f"size={BOUNDED_BYTES}", "provgate-test", self.bounded)
        self.image = self._memory()
        os.ftruncate(self.image, BYTES)
        self._attach()
        run("mkfs.ext4", "-q", "-F", "-b", 4096, "-N", 512, "-J", f"size={JOURNAL_MIB}",
            "-E", "nodiscard,lazy_itable_init=0,lazy_journal_init=1", self.loop)
        self._mount("remount-ro")

    @staticmethod
    def _memory():
        return os.memfd_create("provgate-device", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)

    def _attach(self):
        self.loop = run("losetup", "--find", "--show", f"/proc/{os.getpid()}/fd/{self.image}")
        Path(f"/sys/block/{Path(self.loop).name}/queue/read_ahead_kb").write_text("0")  # only what is asked for is read

    def _mount(self, errors):
        run("mount", "-t", "ext4", "-o", f"errors={errors}", self.loop, self.place)

    def _take_out(self):
        """Off, with what was written to it still in `image`."""
        if os.path.ismount(self.place):
            run("umount", self.place)
        if self.loop is not None:
            run("losetup", "--detach", self.loop)
            self.loop = None

    def _replace(self, image):
        os.close(self.image)
        self.image = image
        for file in self.bounded.iterdir():
            file.unlink()

    def arm(self, errors, is_bounded=False):
        """Mounted anew, nothing of it in memory; `errors` as in mount(8)."""
        self._take_out()
        image = self._memory()
        self._replace(copy_of(self.image, image))
        if is_bounded:
            self.image = copy_of(image, os.open(self.bounded / "image", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
            os.close(image)
        self._attach()
        self._mount(errors)

    def refuse_writes(self):
        """EIO for each write; what is there can be read."""
        fcntl.fcntl(self.image, F_ADD_SEALS, F_SEAL_WRITE)

    def run_out(self):
        """A thin disk whose ground is full: ENOSPC for each block that was never written. Armed with is_bounded."""
        block = bytes(BLOCK)
        with (self.bounded / "ballast").open("wb", buffering=0) as ballast:
            while block:
                try:
                    ballast.write(block)
                except OSError:
                    block = block[:len(block) // 2]

    def cut(self):
        """EIO for each write and each read, as when a cable is drawn."""
        self.refuse_writes()
        kept = copy_of(self.image, self._memory())
        os.ftruncate(self.image, 0)
        with open(self.loop, "rb") as loop:
            fcntl.ioctl(loop, LOOP_SET_CAPACITY)
        self._replace(kept)

    def repair(self):
        """As an operator would: a sound disk with the same bytes, checked, and mounted again."""
        self._take_out()
        self._replace(copy_of(self.image, self._memory()))
        self._attach()
        run("fsck.ext4", "-f", "-y", self.loop, status_max=FSCK_FAILED - 1)
        self._mount("remount-ro")

    def close(self):
        """Leave nothing behind."""
        for place in (self.place, self.bounded):
            if os.path.ismount(place):
                run("umount", "--lazy", place)
        if self.loop is not None:
            run("losetup", "--detach", self.loop)
        if self.image >= 0:
            os.close(self.image)
        shutil.rmtree(self.folder, ignore_errors=True)
