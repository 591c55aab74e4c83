"""Power losses, played from a record of every write and sync (H2), and the proof that this would find them (H3)."""

import random
import shutil
import subprocess
import unittest
from concurrent.futures import ThreadPoolExecutor
from itertools import islice

from support import faults
from support.case import is_long

CHANGES = 260 if is_long() else 40
STATES = 4 if is_long() else 1  # of each point, beside the two ends
STATES_MAX = 12000 if is_long() else 400
READERS = 2
SEEDS = (1, 2, 3) if is_long() else (1,)
LIES = (("MDB_NOSYNC", faults.LIE_SYNC), ("MDB_NOSYNC and MDB_NOMETASYNC", faults.LIE_SYNC | faults.LIE_META),
        ("MDB_NOMETASYNC", faults.LIE_META))
LIE_STATES_MAX = 1500 if is_long() else 200


class PowerLoss(unittest.TestCase):
    """The store alone, without the rest of provgate."""

    timeout_s = 240

    def setUp(self):
        """A folder in memory."""
        self.folder = faults.quick_folder()
        self.addCleanup(shutil.rmtree, self.folder, True)

    def record(self, seed, changes, lie=0):
        """The file as it was, and the record of a run."""
        store, log = self.folder / f"store-{seed}-{lie}", self.folder / f"log-{seed}-{lie}"
        faults.create(store)
        image = (store / "data.mdb").read_bytes()
        control = faults.Control(self.folder / "control")
        control.arm(faults.PASS, 0, lie=lie)
        subprocess.run([faults.tool("faults_tool"), "load", str(store), str(seed), str(changes)],
                       env=control.environment(log), check=True, timeout=faults.TOOL_S)
        return store, faults.Power(image, log.read_bytes(), random.Random(seed))

    def points(self, power, count):
        """(image, what was known then) of every point."""
        for _ in power.walk():
            known = faults.Known(dict(power.known.acknowledged), dict(power.known.begun))
            for image in power.states(count):
                yield image, known

    def try_state(self, number, store, image, known):
        """Open it and compare; complaints."""
        place = self.folder / f"state-{number}"
        place.mkdir(mode=0o700, exist_ok=True)
        (place / "lock.mdb").unlink(missing_ok=True)
        shutil.copy2(store / "store.key", place / "store.key")
        (place / "data.mdb").write_bytes(image)
        (place / "data.mdb").chmod(0o600)
        found, reason = faults.read(place, 2000)
        return [reason] if found is None else known.judge(found)

    def try_all(self, store, states, limit):
        """How many states, and the complaints of those that are wrong."""
        wrong, count = [], 0
        with ThreadPoolExecutor(READERS) as pool:
            while True:
                some = list(islice(states, min(READERS, limit - count)))
                if not some:
                    return count, wrong
                count += len(some)
                jobs = [pool.submit(self.try_state, i, store, *state) for i, state in enumerate(some)]
                wrong += [job.result() for job in jobs if job.result()]

    def test_h2_no_acknowledged_change_is_lost_by_a_power_loss_at_any_point(self):
        total = acknowledged = 0
        for seed in SEEDS:
            store, power = self.record(seed, CHANGES)
            count, wrong = self.try_all(store, self.points(power, STATES), STATES_MAX)
            self.assertEqual(wrong[:3], [], f"{len(wrong)} of {count} states, seed {seed}")
            total, acknowledged = total + count, acknowledged + power.known.count
        print(f"  {total} states after a power loss, {acknowledged} acknowledged changes, 0 lost")

    def test_h3_a_store_that_does_not_sync_would_be_found_out(self):
        for name, lie in LIES:
            with self.subTest(name):
                store, power = self.record(9, 60, lie)
                count, wrong = self.try_all(store, self.points(power, 1), LIE_STATES_MAX)
                self.assertTrue(wrong, f"no loss in {count} states")
                print(f"  {name}: {len(wrong)} of {count} states have lost something")
