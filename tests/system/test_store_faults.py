"""Calls that fail under the store, the n-th of each kind (H6, H7), and kill -9 of a writer without a gateway (H1)."""

import errno
import os
import random
import shutil
import signal
import subprocess
import unittest
from concurrent.futures import ThreadPoolExecutor

from support import faults
from support.case import is_long

NTH_MAX = 200
STEP = 1 if is_long() else 25
KILLS = 200 if is_long() else 8
AT_ONCE = 2
LINES_BEFORE_KILL_MAX = 400

ROWS = [
    # name, mode, calls, error, for ever
    ("H6 EIO at a write", faults.ERROR, faults.WRITES, errno.EIO, False),
    ("H6 EIO at a write that is done all the same", faults.DONE_AND_ERROR, faults.WRITES, errno.EIO, False),
    ("H6 EIO at each write from the n-th on", faults.ERROR, faults.WRITES, errno.EIO, True),
    ("H6 EIO at a sync", faults.ERROR, faults.SYNCS, errno.EIO, False),
    ("H6 EIO at a sync that is done all the same", faults.DONE_AND_ERROR, faults.SYNCS, errno.EIO, False),
    ("H7 a short write", faults.SHORT, faults.WRITES, errno.EIO, False),
    ("H7 ENOSPC at a write", faults.ERROR, faults.WRITES, errno.ENOSPC, False),
    ("H7 ENOSPC at each write from the n-th on", faults.ERROR, faults.WRITES, errno.ENOSPC, True),
    ("H7 EINTR at a write", faults.ERROR, faults.WRITES, errno.EINTR, False),
    ("H7 EINTR at a sync", faults.ERROR, faults.SYNCS, errno.EINTR, False),
    ("H10 EROFS at each write from the n-th on", faults.ERROR, faults.WRITES, errno.EROFS, True),
]
HEALING = {errno.ENOSPC, errno.EINTR}


def load(store, seed, changes, environment=None):
    """A running faults_tool load."""
    return subprocess.Popen([faults.tool("faults_tool"), "load", str(store), str(seed), str(changes)], text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment)


class StoreOnly(unittest.TestCase):
    """The store without the rest of provgate."""

    timeout_s = 240

    def setUp(self):
        """A folder in memory, and an empty store to copy."""
        self.folder = faults.quick_folder()
        self.addCleanup(shutil.rmtree, self.folder, True)
        faults.create(self.folder / "empty")

    def store(self, name):
        """A fresh store."""
        path = self.folder / name
        shutil.rmtree(path, True)
        shutil.copytree(self.folder / "empty", path)
        return path

    def fail_at(self, row, nth):
        """One run with the n-th call struck; complaints, and whether it was struck."""
        name, mode, ops, error, for_ever = row
        store = self.store(f"store-{nth}")
        control = faults.Control(self.folder / f"control-{nth}")
        control.arm(mode, ops, error, nth - 1, for_ever)
        changes = 20 + nth * (6 if ops == faults.SYNCS else 2)
        process = load(store, nth, changes, control.environment())
        output, said = process.communicate(timeout=faults.TOOL_S)
        known = faults.hear_all(output)
        found, reason = faults.read(store)
        complaints = [reason] if found is None else known.judge(found)
        if process.returncode not in (0, 1, 3):
            complaints.append(f"status {process.returncode}: {said}")
        if error not in HEALING and "\nF " in output and "\nA " in output[output.index("\nF "):]:
            complaints.append("a write was taken after one that had failed")
        shutil.rmtree(store)
        return [f"{name}, n = {nth}: {text}" for text in complaints], control.hits > 0, known.refused

    def test_h6_h7_the_nth_call_that_fails_loses_nothing_and_leaves_nothing_behind(self):
        for row in ROWS:
            with self.subTest(row[0]), ThreadPoolExecutor(AT_ONCE) as pool:
                runs = list(pool.map(lambda nth, row=row: self.fail_at(row, nth), range(1, NTH_MAX + 1, STEP)))
                struck, refused = sum(run[1] for run in runs), sum(run[2] for run in runs)
                self.assertEqual([text for run in runs for text in run[0]][:5], [])
                self.assertEqual(struck, len(runs), "the call was never reached")
                print(f"  {row[0]}: {len(runs)} runs, {refused} changes refused")

    def test_h1_a_writer_that_is_killed_leaves_whole_changes(self):
        chance, acknowledged = random.Random(7), 0
        for number in range(KILLS):
            store = self.store("killed")
            process = load(store, number, 100000)
            lines = [process.stdout.readline() for _ in range(chance.randrange(1, LINES_BEFORE_KILL_MAX))]
            os.kill(process.pid, signal.SIGKILL)
            with process.stdout, process.stderr:  # communicate() would not see what readline() has read ahead
                known = faults.hear_all("".join(lines) + process.stdout.read())
                process.wait(faults.TOOL_S)
            found, reason = faults.read(store, 100000)
            self.assertIsNone(reason, f"round {number}")
            self.assertEqual(known.judge(found), [], f"round {number}")
            acknowledged += known.count
        print(f"  {KILLS} rounds, {acknowledged} acknowledged changes")
