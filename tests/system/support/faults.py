"""The tools of tests/faults: what is preloaded into provgate, the writer that says what was acknowledged, power."""

import mmap
import os
import struct
import subprocess
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from lab.gateway import binary_path

PASS, ERROR, SHORT, DELAY, DONE_AND_ERROR = range(5)
WRITES, SYNCS = 1, 2
ANY, SSO, PROV = range(3)
LIE_SYNC, LIE_META = 1, 2
CONTROL = struct.Struct("<IIIiiIIIII")  # struct control of shim.c
HEAD = struct.Struct("<c3xIQ")          # struct record of shim.c
TOOL_S = 120


def tool(name):
    """A tool that was built beside the binary under test, or for the release: nothing is put under a sanitized one."""
    beside = binary_path().parent
    release = [beside / "release" / "faults", beside.parent / "release" / "faults"]
    for folder in release if is_sanitized() else [beside / "faults", *release]:
        if (folder / name).exists():
            return folder / name
    raise AssertionError(f"no {name} beside {binary_path()}: build the targets faults_tool, faults_shim, faults_clock")


def is_sanitized():
    """The sanitizers' libraries do not like company."""
    content = binary_path().read_bytes()
    return any(symbol in content for symbol in (b"__asan_init", b"__tsan_init"))


def quick_folder():
    """A folder in memory where there is one: thousands of stores are made and thrown away."""
    place = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    return Path(tempfile.mkdtemp(prefix="provgate-faults-", dir=place))


class Control:
    """The page that tells shim.c what the next calls do."""

    def __init__(self, path):
        self.path = Path(path)
        self.path.write_bytes(bytes(mmap.PAGESIZE))
        with self.path.open("r+b") as file:
            self.page = mmap.mmap(file.fileno(), mmap.PAGESIZE)

    def arm(self, mode, ops, error=0, before=0, for_ever=False, role=ANY, delay_ms=0, lie=0):
        """From now on; `before` calls pass first."""
        self.page[0:4] = bytes(4)
        CONTROL.pack_into(self.page, 0, PASS, ops, role, error, before, for_ever, delay_ms, 0, 0, lie)
        self.page[0:4] = struct.pack("<I", mode)

    def rest(self):
        """All calls pass."""
        self.arm(PASS, 0)

    @property
    def hits(self):
        """How many calls were struck since arm()."""
        return CONTROL.unpack_from(self.page, 0)[7]

    def environment(self, log=None):
        """With these variables a program is under its control."""
        more = {"FAULTS_LOG": str(log)} if log else {}
        return {**os.environ, "LD_PRELOAD": str(tool("faults_shim.so")), "FAULTS_CONTROL": str(self.path), **more}


@dataclass
class Known:
    """What the writer has said so far: names, and the states that they may have."""

    acknowledged: dict = field(default_factory=dict)
    begun: dict = field(default_factory=dict)
    count: int = 0
    refused: int = 0

    def hear(self, kind, text):
        """One line of faults_tool load."""
        name, state = text.split(" ", 1)
        if kind == "B":
            self.begun[name] = state
            return
        self.begun.pop(name)
        self.refused += kind == "F"
        if kind == "A":
            self.count += 1
            self.acknowledged[name] = state

    def judge(self, found):
        """The list of complaints about {name: state}."""
        complaints = []
        for name in self.acknowledged.keys() | self.begun.keys() | found.keys():
            allowed = {self.acknowledged.get(name, "- 0"), self.begun.get(name, self.acknowledged.get(name, "- 0"))}
            if found.get(name, "- 0") not in allowed:
                complaints.append(f"{name} is {found.get(name)}, allowed {sorted(allowed)}")
        return complaints


def create(path):
    """An empty store."""
    subprocess.run([tool("faults_tool"), "create", str(path)], check=True, timeout=TOOL_S)


def hear_all(output):
    """What complete lines of faults_tool load say."""
    known = Known()
    for line in output[:output.rfind("\n") + 1].splitlines():
        known.hear(line[0], line[2:])
    return known


def read(path, sessions=2000):
    """{name: state} of all that is in the store, and None; or None and the reason why it does not open."""
    done = subprocess.run([tool("faults_tool"), "read", str(path), str(sessions)], capture_output=True, text=True,
                          timeout=TOOL_S, check=False)
    if done.returncode != 0:
        return None, f"status {done.returncode}: {done.stderr}"
    return dict(line.split(" ", 1) for line in done.stdout.splitlines()), None


@dataclass
class Write:
    """One write of the record."""

    offset: int
    data: bytes

    def apply(self, image, blocks=None, size=512):
        """The whole of it, or only these blocks of it."""
        end = self.offset + len(self.data)
        if len(image) < end:
            image.extend(bytes(end - len(image)))
        if blocks is None:
            image[self.offset:end] = self.data
        for block in blocks or ():
            start, stop = max(self.offset, block * size), min(end, (block + 1) * size)
            image[start:stop] = self.data[start - self.offset:stop - self.offset]

    def blocks(self, size):
        """Numbers of the disk's blocks that it touches."""
        return range(self.offset // size, (self.offset + len(self.data) - 1) // size + 1)


class Power:
    """Walks through a record of writes and syncs; at each point it can say what a power loss may have left."""

    def __init__(self, image, log, random):
        self.durable = bytearray(image)
        self.pending = []
        self.known = Known()
        self.log, self.random = log, random

    def records(self):
        """(kind, offset, data) of each."""
        at = 0
        while at < len(self.log):
            kind, size, offset = HEAD.unpack_from(self.log, at)
            at += HEAD.size + size
            yield kind.decode(), offset, self.log[at - size:at]

    def _flush(self):
        for write in self.pending:
            write.apply(self.durable)
        self.pending = []

    def walk(self):
        """Yields before each write, and at the end; the record is followed in between."""
        for kind, offset, data in self.records():
            if kind in "BAF":
                self.known.hear(kind, data.decode())
                if kind == "A":
                    yield
            elif kind == "S":
                yield
                self._flush()
            elif kind == "W":
                self.pending.append(Write(offset, data))
                yield
            elif kind == "D":
                self.pending.append(Write(offset, data))
                yield
                self.pending.pop().apply(self.durable)
            elif kind == "T":
                raise AssertionError("LMDB does not cut its file")

    def _image(self, writes, torn=None, blocks=None, size=512):
        image = bytearray(self.durable)
        for write in writes:
            write.apply(image, blocks if write is torn else None, size)
        return bytes(image)

    def states(self, count):
        """Images that a loss at this point may leave: nothing and all of what is not synced, then what chance says."""
        yield self._image([])
        if not self.pending:
            return
        yield self._image(self.pending)
        for number in range(count):
            some = [write for write in self.pending if self.random.random() < 0.6]
            torn, size = self.random.choice(self.pending), (512, 4096)[number % 2]
            if all(write is not torn for write in some):
                some.append(torn)
            part = [block for block in torn.blocks(size) if self.random.random() < 0.5]
            yield self._image(some, torn, part, size)
