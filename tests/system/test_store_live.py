"""A running provgate whose disk misbehaves (H6, H7, H10), and others that read the store beside it (H11 to H13)."""

import errno
import hashlib
import json
import os
import shutil
import signal
import statistics
import subprocess
import tempfile
import threading
import time
import unittest
from pathlib import Path

from lab import rawhttp, wire
from lab.gateway import children_of, free_ports, is_running, wait_until
from lab.story import Story
from support import faults
from support.case import WorldCase, is_long

USER = "urn:ietf:params:scim:schemas:core:2.0:User"
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
NTH_MAX = 60 if is_long() else 6
DEAD_READERS = 1000 if is_long() else 40
START_S = 60  # generous; the slowest is printed


class StoreCase(WorldCase):
    """Calls that do not wait when they are told to come again."""

    timeout_s = 240

    def setUp(self):
        """Somebody is in."""
        self.story = Story(self.world)
        self.addCleanup(self.story.close)
        self.connection = None
        self.browser = self.world.sign_in("carol@example.com")

    def ask(self, method, path, value=None):
        """One call to the PROV face."""
        if self.connection is None:
            self.connection = rawhttp.Connection.to(self.world.prov_url, timeout=30)
            self.addCleanup(self.connection.close)
        fields = [("Host", self.world.prov_url.split("/")[2]), ("Authorization", "Bearer " + self.world.token)]
        fields += [("Content-Type", "application/scim+json")] if value is not None else []
        body = None if value is None else json.dumps(value).encode()
        return self.connection.exchange(method, "/scim/v2" + path, fields, body)

    def create(self, name, title):
        """POST."""
        return self.ask("POST", "/Users", {"schemas": [USER], "userName": name, "active": True, "title": title})

    def change(self, user_id, title, active=True):
        """PATCH."""
        operation = {"op": "replace", "value": {"title": title, "active": active}}
        return self.ask("PATCH", f"/Users/{user_id}", {"schemas": [PATCH], "Operations": [operation]})

    def title(self, user_id):
        """As it is now."""
        return self.ask("GET", f"/Users/{user_id}").json()["title"]

    def restart(self):
        """As an operator would."""
        self.hang_up()
        self.assertEqual(self.world.gateway.stop(), 0)
        self.world.gateway.start()

    def hang_up(self):
        """A fresh connection next time."""
        if self.connection is not None:
            self.connection.close()
            self.connection = None

    def metric(self, name):
        """A value of /metrics."""
        answer = rawhttp.fetch(self.world.admin_url + "/metrics",
                               headers=[("Authorization", "Bearer " + self.world.admin_token)])
        for line in answer.body.decode().splitlines():
            if line.startswith(name + " "):
                return float(line.split()[1])
        return None

    def data_bytes(self):
        """What the store takes on the disk."""
        return os.stat(Path(self.world.values["store"]["path"]) / "data.mdb").st_blocks * 512


class BadDisk(StoreCase):
    """shim.c stands between LMDB and the disk."""

    is_alone = True

    @classmethod
    def setUpClass(cls):
        """Not with a sanitizer, which wants to be the first library."""
        if faults.is_sanitized():
            raise unittest.SkipTest("nothing is preloaded into a sanitized binary; the release binary is tested")
        super().setUpClass()

    @classmethod
    def environment(cls):
        """Before provgate starts."""
        cls.control = faults.Control(cls.folder / "control")
        return cls.control.environment()

    def tearDown(self):
        """The disk is well again."""
        self.control.rest()

    def fail_nth(self, nth, mode, ops, user_id):
        """Changes until one is refused; the titles that there may be now."""
        title = self.title(user_id)
        self.control.arm(mode, ops, errno.EIO, nth - 1, role=faults.PROV)
        for number in range(nth + 1):
            try:
                answer = self.change(user_id, f"t{nth}-{number}")
            except (OSError, wire.Closed):
                self.hang_up()
                return {title, f"t{nth}-{number}"}  # without an answer: whole or absent
            if answer.status != 200:
                break
            title = f"t{nth}-{number}"
        self.assertEqual(answer.status, 429, "the failure was not reached")
        self.assertGreater(int(answer.header("Retry-After")), 0)
        return {title}

    def test_h6_after_an_error_no_more_writes_until_restart_and_sign_on_goes_on(self):
        user_id = self.create("dora@example.com", "first").json()["id"]
        rows = [(mode, ops) for mode in (faults.ERROR, faults.DONE_AND_ERROR) for ops in (faults.SYNCS, faults.WRITES)]
        for nth in range(1, NTH_MAX + 1):
            mode, ops = rows[nth % len(rows)]
            with self.subTest(nth=nth, mode=mode, calls=ops):
                titles = self.fail_nth(nth, mode, ops, user_id)
                self.control.rest()
                self.world.gateway.wait_healthy()
                self.assertEqual(self.change(user_id, "later").status, 429, "a write was taken after a failed one")
                self.assertIn(self.title(user_id), titles)
                self.story.expect_in(self.browser, "carol@example.com")
                self.assertEqual(self.world.sign_in(f"new{nth}@example.com").get(self.sso("/")).status, 200)
                self.assertEqual(self.metric("provgate_store_writes_failed_total"), 1)
                self.restart()
                self.assertIn(self.title(user_id), titles, "what was answered with an error is there")
                self.assertEqual(self.change(user_id, f"after{nth}").status, 200)

    def test_h6_a_meta_page_that_cannot_be_written_leaves_the_guard_its_store(self):
        gone = self.world.sign_in("gone@example.com")
        for user in self.ask("GET", '/Users?filter=userName+eq+"gone@example.com"').json()["Resources"]:
            self.assertEqual(self.change(user["id"], "x", active=False).status, 200)
        child = self.world.gateway.child("sso")
        for before in range(12):
            self.control.arm(faults.ERROR, faults.WRITES, errno.EIO, before, role=faults.SSO)
            try:
                self.world.sign_in(f"meta{before}@example.com")
            except (OSError, wire.Closed, AssertionError):
                pass  # the process may have ended under it
            self.control.rest()
            self.world.gateway.wait_healthy()
            self.story.expect_refused(self.story.cookie(gone))
            self.story.expect_in(self.browser, "carol@example.com")
            self.restart()
        self.assertNotEqual(child, self.world.gateway.child("sso"))

    def test_h6_when_the_sso_side_cannot_write_people_get_in_and_okta_is_served(self):
        user_id = self.create("emil@example.com", "first").json()["id"]
        self.control.arm(faults.ERROR, faults.SYNCS, errno.EIO, for_ever=True, role=faults.SSO)
        browser = self.world.sign_in("unrecorded@example.com")
        self.assertGreater(self.control.hits, 0)
        self.story.expect_in(browser, "unrecorded@example.com")
        self.story.expect_in(self.browser, "carol@example.com")
        self.assertEqual(self.change(user_id, "second").status, 200)
        self.control.rest()
        self.restart()
        self.story.expect_in(self.world.sign_in("recorded@example.com"), "recorded@example.com")

    def latencies(self, seconds):
        """Of requests of a bound session, in ms; each must be answered."""
        out, end = [], time.monotonic() + seconds
        while time.monotonic() < end:
            begun = time.monotonic()
            self.story.expect_in(self.browser, "carol@example.com")
            out.append((time.monotonic() - begun) * 1000)
        return out

    def test_h7_slow_syncs_keep_no_request_of_the_sso_side_waiting(self):
        user_id = self.create("fritz@example.com", "first").json()["id"]
        quiet = self.latencies(2)
        self.control.arm(faults.DELAY, faults.SYNCS, for_ever=True, delay_ms=200)
        stop, statuses = threading.Event(), []

        def write():
            while not stop.is_set():
                statuses.append(self.change(user_id, str(len(statuses))).status)

        writer = threading.Thread(target=write)
        writer.start()
        slow = self.latencies(2)
        wait_until(lambda: self.control.hits > 3, 60, "syncs were slow")
        stop.set()
        writer.join(120)
        self.assertEqual(set(statuses), {200})
        p99 = [statistics.quantiles(row, n=100)[98] for row in (quiet, slow)]
        print(f"  p99 {p99[0]:.1f} ms quiet ({len(quiet)}), {p99[1]:.1f} ms with syncs of 200 ms ({len(slow)})")
        self.assertLess(statistics.median(slow), max(150, 10 * statistics.median(quiet)), "requests wait for syncs")

    def test_h10_a_file_system_that_becomes_read_only_serves_reads_and_heals_by_a_restart(self):
        user_id = self.create("gerd@example.com", "first").json()["id"]
        self.control.arm(faults.ERROR, faults.WRITES, errno.EROFS, for_ever=True)
        self.assertEqual(self.change(user_id, "second").status, 429)
        self.assertEqual(self.title(user_id), "first")
        self.story.expect_in(self.browser, "carol@example.com")
        self.story.expect_in(self.world.sign_in("hans@example.com"), "hans@example.com")
        self.control.rest()
        self.restart()
        self.assertEqual(self.title(user_id), "first")
        self.assertEqual(self.change(user_id, "third").status, 200)


class Beside(StoreCase):
    """Other processes that have the store open."""

    def hold(self):
        """A reader of another process, in the middle of a read."""
        process = subprocess.Popen([faults.tool("faults_tool"), "hold", self.world.values["store"]["path"]],
                                   stdout=subprocess.PIPE, text=True)
        self.addCleanup(process.stdout.close)
        self.assertEqual(process.stdout.readline().strip(), "reading")
        return process

    def storm(self, user_id, count):
        """Many changes."""
        for number in range(count):
            self.assertEqual(self.change(user_id, f"{number:01000}").status, 200)

    def test_h11_a_second_instance_is_refused(self):
        config = self.world.config.read_text()
        for port, other in zip(self.world.ports, free_ports(len(self.world.ports))):
            config = config.replace(f":{port}", f":{other}")
        second = self.folder / "second.yaml"
        second.write_text(config)
        done = subprocess.run([str(self.world.gateway.binary), "run", "--config", str(second)], text=True,
                              capture_output=True, timeout=START_S, check=False)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn(self.world.values["store"]["path"], done.stderr)
        self.assertIn("process", done.stderr)
        self.story.expect_in(self.browser, "carol@example.com")

    def test_a_restore_that_did_not_wait_for_the_end_loses_nothing_that_was_acknowledged(self):
        gateway = self.world.gateway
        store = Path(self.world.values["store"]["path"])
        user_id = self.create("ivo@example.com", "first").json()["id"]
        gateway.command("backup", "--to", str(self.folder / "copy"))
        store.rename(self.folder / "moved")
        gateway.command("restore", "--from", str(self.folder / "copy"))
        self.assertEqual(self.change(user_id, "lost").status, 429)
        self.assertIn("its files are not in their place any more", gateway.log_end())
        self.assertEqual(self.title(user_id), "first")
        self.story.expect_in(self.browser, "carol@example.com")
        self.assertEqual(self.world.sign_in("jana@example.com").get(self.sso("/")).status, 200)
        self.restart()
        self.assertEqual(self.change(user_id, "second").status, 200)
        self.story.expect_in(self.browser, "carol@example.com")

    def test_h11_dead_readers_are_forgotten_and_the_file_does_not_grow(self):
        user_id = self.create("ida@example.com", "first").json()["id"]
        self.storm(user_id, 100)
        before = self.data_bytes()
        for _ in range(DEAD_READERS):
            reader = self.hold()
            self.storm(user_id, 1)
            os.kill(reader.pid, signal.SIGKILL)
            reader.wait(60)
        self.assertLess(self.data_bytes(), 2 * before + (1 << 20))
        self.assertEqual(self.world.sign_in("jan@example.com").get(self.sso("/")).status, 200)
        print(f"  {DEAD_READERS} dead readers: {before >> 10} KiB before, {self.data_bytes() >> 10} KiB after")

    def test_h12_only_the_children_have_the_store_open(self):
        gateway = self.world.gateway
        children = [gateway.child(role) for role in ("sso", "prov")]
        for pid, is_child in [(gateway.pid, False), *((pid, True) for pid in children)]:
            maps = Path(f"/proc/{pid}/maps").read_text()
            self.assertEqual("data.mdb" in maps, is_child, f"process {pid}")
            links = [os.readlink(f"/proc/{pid}/fd/{fd}") for fd in os.listdir(f"/proc/{pid}/fd")]
            self.assertEqual(any("data.mdb" in link for link in links), is_child, f"process {pid}")
        self.assertEqual([pid for child in children for pid in children_of(child)], [], "a child has forked")

    def test_what_serves_reads_no_pages_ahead(self):
        for role in ("sso", "prov"):
            maps = Path(f"/proc/{self.world.gateway.child(role)}/smaps").read_text().split("VmFlags:")
            flags = [after.split("\n")[0].split() for before, after in zip(maps, maps[1:]) if "data.mdb" in before]
            self.assertGreater(len(flags), 0)
            self.assertTrue(all("rr" in flag for flag in flags), f"{role}: {flags}")

    def test_h13_pages_are_used_again_after_a_long_reader(self):
        user_id = self.create("karl@example.com", "first").json()["id"]
        self.storm(user_id, 100)
        reader = self.hold()
        self.storm(user_id, 300)
        os.kill(reader.pid, signal.SIGKILL)
        reader.wait(60)
        wait_until(lambda: not is_running(reader.pid), 30, "end of the reader")
        # a writer looks for dead readers every ten seconds
        wait_until(lambda: not self.grows(user_id), 120, "the file grows no more")
        held = self.data_bytes()
        self.storm(user_id, 900)
        self.assertLess(self.data_bytes(), held + (1 << 20), "the file grew on")
        print(f"  {held >> 10} KiB with the reader, {self.data_bytes() >> 10} KiB after 900 more changes")

    def grows(self, user_id):
        """Does it take more room after some changes?"""
        before = self.data_bytes()
        self.storm(user_id, 60)
        return self.data_bytes() > before


class BadFile(WorldCase):
    """What `provgate run` says of a store that is not right (H9, H10)."""

    timeout_s = 240

    def setUp(self):
        """Stopped, with something in it."""
        okta = self.world.okta()
        for number in range(30):
            okta.assign(f"user{number}-{self.id()[-9:]}@example.com")
        okta.close()
        self.assertEqual(self.world.gateway.stop(), 0)
        self.store = Path(self.world.values["store"]["path"])
        self.kept = self.folder / "kept"
        shutil.copytree(self.store, self.kept)

    def tearDown(self):
        """As it was, and it starts."""
        self.put_back()
        shutil.rmtree(self.kept)
        self.world.gateway.start()

    def put_back(self):
        """The sound store."""
        shutil.rmtree(self.store, True)
        shutil.copytree(self.kept, self.store)

    def refused(self, path=None):
        """It does not start, soon, and says why; nothing was changed. How long it took."""
        data = self.store / "data.mdb"
        digest = hashlib.sha256(data.read_bytes()).digest() if data.exists() else None
        begun = time.monotonic()
        done = subprocess.run([str(self.world.gateway.binary), "run", "--config", str(self.world.config)], text=True,
                              capture_output=True, timeout=START_S, check=False)
        took = time.monotonic() - begun
        self.assertGreater(done.returncode, 0, done.stderr[-2000:])
        self.assertIn(str(path or self.store), done.stderr)
        self.assertEqual(hashlib.sha256(data.read_bytes()).digest() if data.exists() else None, digest, "it changed")
        return took, done.stderr

    def cut(self, size):
        """Only so many bytes are left."""
        os.truncate(self.store / "data.mdb", size)

    def overwrite(self, offset, data):
        """Other bytes in the middle."""
        with (self.store / "data.mdb").open("r+b") as file:
            file.seek(offset)
            file.write(data)

    def link(self):
        """A link where the file was."""
        os.rename(self.store / "data.mdb", self.folder / "elsewhere")
        os.symlink(self.folder / "elsewhere", self.store / "data.mdb")

    def test_h9_a_store_that_is_not_right_is_refused_with_path_and_reason(self):
        junk = os.urandom(4096)
        rows = [
            ("0 bytes", lambda: self.cut(0)),
            ("4 KiB", lambda: self.cut(4096)),
            ("cut below its last page", lambda: self.cut((self.store / "data.mdb").stat().st_size // 2)),
            ("both meta pages zeroed", lambda: self.overwrite(0, bytes(8192))),
            ("one meta page junk", lambda: self.overwrite(0, junk)),
            ("both meta pages junk", lambda: self.overwrite(0, junk * 2)),
            ("data junk", lambda: self.overwrite(8192, os.urandom(20 * 4096))),
            ("no data file", (self.store / "data.mdb").unlink),
            ("no key file", (self.store / "store.key").unlink),
            ("wrong mode of the data", lambda: (self.store / "data.mdb").chmod(0o666)),
            ("wrong mode of the key", lambda: (self.store / "store.key").chmod(0o644)),
            ("wrong mode of the folder", lambda: self.store.chmod(0o777)),
            ("a link", self.link),
        ]
        slowest = 0.0
        for name, damage in rows:
            with self.subTest(name):
                self.put_back()
                damage()
                slowest = max(slowest, self.refused()[0])
        print(f"  {len(rows)} kinds of damage, the slowest refusal after {slowest:.2f} s")

    def test_h10_a_read_only_file_system_is_refused_at_the_start(self):
        place = Path(tempfile.mkdtemp(prefix="provgate-readonly-"))
        self.addCleanup(shutil.rmtree, place, True)
        mount = subprocess.run(["mount", "--bind", str(self.store), str(place)], capture_output=True, check=False)
        if mount.returncode != 0:
            self.skipTest("this needs leave to mount")
        self.addCleanup(subprocess.run, ["umount", str(place)], check=False)
        subprocess.run(["mount", "-o", "remount,bind,ro", str(place)], check=True)
        config = self.world.config.read_text()
        self.world.config.write_text(config.replace(str(self.store), str(place)))
        try:
            said = self.refused(place)[1]
        finally:
            self.world.config.write_text(config)
        self.assertIn("Read-only file system", said)


del StoreCase
