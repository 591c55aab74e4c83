"""The provgate process under the lab's control: configuration, start, kill, restart, stop."""

import ctypes
import functools
import itertools
import os
import random
import re
import signal
import socket
import subprocess
import time
from pathlib import Path

from lab import rawhttp

ROOT = Path(__file__).resolve().parents[2]
START_S = 60.0
STOP_S = 60.0
COMMAND_S = 120.0
POLL_S = 0.02
PORT_MIN = 15000
BLOCK_PORTS = 128
PR_SET_PDEATHSIG = 1
LEAK_SUPPRESSIONS = ROOT / "tests" / "system" / "support" / "lsan.supp"
LIBC = ctypes.CDLL(None, use_errno=True)


class GatewayError(Exception):
    """provgate did not do what it was started for; the text holds the end of its log."""


def binary_path():
    """The binary under test: PROVGATE_BIN, or build/provgate."""
    return Path(os.environ.get("PROVGATE_BIN") or ROOT / "build" / "provgate").resolve()


def ephemeral_start():
    """The first port that the kernel gives to outgoing connections."""
    return int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])


@functools.lru_cache(maxsize=1)
def _ports_of(_pid):
    """The ports of one process, round and round: no other run on this machine tries them while it lives."""
    first, last = PORT_MIN // BLOCK_PORTS, max(ephemeral_start(), 2 * PORT_MIN) // BLOCK_PORTS
    for block in random.SystemRandom().sample(range(first, last), last - first):
        holder = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            holder.bind(f"\0provgate-lab-ports-{block}")
        except OSError:
            holder.close()
            continue
        return holder, itertools.cycle(range(block * BLOCK_PORTS, (block + 1) * BLOCK_PORTS))
    raise GatewayError("too many test runs at once")


def free_ports(count):
    """So many free loopback ports, all different, below the ephemeral range: no outgoing connection can sit on one
    while provgate is restarted."""
    held, ports = [], _ports_of(os.getpid())[1]
    try:
        for port in itertools.islice(ports, BLOCK_PORTS):
            try:
                held.append(socket.create_server(("127.0.0.1", port)))
            except OSError:
                continue
            if len(held) == count:
                return [sock.getsockname()[1] for sock in held]
    finally:
        for sock in held:
            sock.close()
    raise GatewayError("no free ports")


def wait_until(condition, seconds, what):
    """Poll until condition() is true; its value, or TimeoutError naming what was awaited."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise TimeoutError(f"not within {seconds:g} s: {what}")
        time.sleep(POLL_S)


def children_of(pid):
    """Pids of the direct children of a process."""
    try:
        lists = [path.read_text() for path in Path(f"/proc/{pid}/task").glob("*/children")]
    except OSError:
        return []
    return [int(word) for text in lists for word in text.split()]


def is_running(pid):
    """Is this process there? A zombie whose threads are all gone is not; one that still has some holds its sockets."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        return state not in "ZX" or len(os.listdir(f"/proc/{pid}/task")) > 1
    except OSError:
        return False


def role_of(pid):
    """"sso" or "prov" when the process's name or arguments say so, else None."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().decode("utf-8", "replace").split("\0")
        words.append(Path(f"/proc/{pid}/comm").read_text().strip())
    except OSError:
        return None
    for word in words[1:]:
        found = re.fullmatch(r"(?:.*[-=: ])?(sso|prov)", word)
        if found:
            return found.group(1)
    return None


def end_with_parent():
    """Runs in the new process before it becomes provgate: nothing may outlive a test run that was killed."""
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


class Gateway:
    """One provgate with its configuration file."""

    def __init__(self, config, log, sso_url, admin_url, binary=None, tls=None):
        self.binary = Path(binary or binary_path())
        self.config = Path(config)
        self.log = Path(log)
        self.sso_url, self.admin_url, self.tls = sso_url, admin_url, tls
        self.process = None
        self.environment = {}  # more variables for `provgate run`

    def command(self, *words, status=0):
        """Run `provgate WORD… --config F`; its standard output."""
        done = subprocess.run([str(self.binary), *words, "--config", str(self.config)], capture_output=True, text=True,
                              timeout=COMMAND_S, stdin=subprocess.DEVNULL, check=False)
        if done.returncode != status:
            raise GatewayError(f"provgate {' '.join(words)}: status {done.returncode}: {done.stderr or done.stdout}")
        return done.stdout

    def spawn(self):
        """Start `provgate run`, without waiting for it."""
        environment = {"LSAN_OPTIONS": f"suppressions={LEAK_SUPPRESSIONS}:print_suppressions=0", **os.environ,
                       **self.environment}
        with self.log.open("ab") as log:
            self.process = subprocess.Popen([str(self.binary), "run", "--config", str(self.config)], stdout=log,
                                            stderr=log, stdin=subprocess.DEVNULL, start_new_session=True,
                                            env=environment, preexec_fn=end_with_parent)

    def start(self):
        """Start and wait until both faces answer."""
        self.spawn()
        self.wait_healthy()

    def _answers(self, url, tls=None):
        if self.process.poll() is not None:
            raise GatewayError(f"provgate ended with status {self.process.returncode}\n{self.log_end()}")
        try:
            return rawhttp.fetch(url, tls=tls, timeout=10.0).status == 200
        except Exception:  # pylint: disable=broad-except
            return False

    def is_healthy(self):
        """Does /healthz say 200, and does the SSO face answer at all?"""
        return self._answers(self.admin_url + "/healthz") and self._sso_listens()

    def _sso_listens(self):
        try:
            with rawhttp.Connection.to(self.sso_url, self.tls, 10.0):
                return True
        except OSError:
            return False

    def wait_healthy(self, seconds=START_S):
        """Wait until all is up."""
        try:
            wait_until(self.is_healthy, seconds, "provgate answers")
        except TimeoutError as error:
            raise GatewayError(f"{error}\n{self.log_end()}") from error

    def log_end(self, count=4000):
        """The end of its log."""
        return self.log.read_bytes()[-count:].decode("utf-8", "replace") if self.log.exists() else ""

    @property
    def pid(self):
        """The parent's pid."""
        return self.process.pid

    def child(self, role):
        """The pid of the sso or the prov child, or None when it is not there right now."""
        for pid in children_of(self.pid):
            if role_of(pid) == role and is_running(pid):
                return pid
        return None

    def kill_child(self, role):
        """kill -9 of one child; its pid."""
        pid = wait_until(lambda: self.child(role), 30, f"a {role} child")
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: not is_running(pid), 30, f"end of the {role} child")
        return pid

    def wait_child(self, role, other_than):
        """Wait until the parent has started a new child."""
        return wait_until(lambda: (pid := self.child(role)) and pid != other_than and pid, 30, f"a new {role} child")

    def kill_all(self):
        """kill -9 of the parent and of both children, and wait until they are gone."""
        if self.process is None:
            return
        pids = [*children_of(self.pid), self.pid]
        for pid in [self.pid, *pids]:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.process.wait(STOP_S)
        wait_until(lambda: not any(is_running(pid) for pid in pids), 30, "end of all processes")

    def stop(self):
        """SIGTERM and wait; its exit status. What does not end is killed, and that is an error."""
        if self.process is None or self.process.poll() is not None:
            return self.process.returncode if self.process else None
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(STOP_S)
        except subprocess.TimeoutExpired as error:
            self.kill_all()
            raise GatewayError(f"provgate did not end on SIGTERM\n{self.log_end()}") from error
