"""The configuration and the program change while everybody goes on (security.md M1, M2, M3, C8, D3, G12)."""

import os
import re
import shutil
import signal
import socket
import subprocess
import threading
import time
from pathlib import Path

from lab import keys, rawhttp, websocket, yamltext
from lab.gateway import children_of, free_ports, role_of, wait_until
from lab.story import CUT_S, Story
from support.case import WorldCase, is_long
from support.load import Load

RELOADS = 100 if is_long() else 30
UPGRADES = 20 if is_long() else 8
SWITCH_S = 60
WAITING_WORDS = 11  # SHARED_PLACES
CREWS_MAX = 30


class ReloadCase(WorldCase):
    """What reloads have in common."""

    is_changed = False

    def log_count(self, event):
        """How often provgate logged this."""
        return len(re.findall(rf"(?m) {event}( |$)", self.world.gateway.log.read_text("utf-8", "replace")))

    def signal(self, number, event="crew-serves"):
        """Send the parent a signal and wait for what it leads to."""
        before = self.log_count(event)
        os.kill(self.world.gateway.pid, number)
        wait_until(lambda: self.log_count(event) > before, SWITCH_S, event)

    def reload(self):
        """The configuration is read again, and what it says serves."""
        self.signal(signal.SIGHUP)

    def write(self, change):
        """Change the configuration file; it is as it was after the test."""
        if not self.is_changed:
            self.is_changed = True
            self.addCleanup(self.reload)
            self.addCleanup(self.world.config.write_text, self.world.config.read_text())
        values = yamltext_copy(self.world.values)
        change(values)
        self.world.config.write_text(yamltext.dump(values))

    def cookie(self, user="bob@example.com"):
        """The session cookie of somebody who has signed in."""
        browser = self.world.sign_in(user)
        return "lab_session=" + Story(self.world).cookie(browser)

    def status(self, cookie, path="/api/me"):
        """What the app or provgate says to that session."""
        return rawhttp.fetch(self.sso(path), headers=[("Cookie", cookie)], tls=self.world.tls).status

    def pids(self):
        """All processes of provgate but the parent."""
        return set(children_of(self.world.gateway.pid))


def yamltext_copy(values):
    """A deep copy of plain values."""
    if isinstance(values, dict):
        return {key: yamltext_copy(value) for key, value in values.items()}
    return [yamltext_copy(value) for value in values] if isinstance(values, list) else values


class UnderLoad(ReloadCase):
    """Nobody loses a request (0 failed, 0 resets)."""

    tls = True
    timeout_s = 300

    def wait_for_shares(self, load, shares):
        """Each kind of client has come so far."""
        wait_until(lambda: load.failures or all(load.counts.get(kind, 0) > least for kind, least in shares.items()),
                   60, "each kind has its share")

    def expect_nothing_lost(self, load):
        """No client saw anything."""
        self.assertEqual(load.failures[:5], [], f"{len(load.failures)} of {load.counts}")

    def test_m1_hang_ups_under_load_lose_nothing(self):
        shares = {"keep_alive": RELOADS, "http2": RELOADS, "upload": 5, "web_socket": RELOADS,
                  "new_connections": RELOADS}
        with Load(self.world, self.cookie()) as load:
            for _ in range(RELOADS):
                self.reload()
            self.wait_for_shares(load, shares)
        self.expect_nothing_lost(load)

    def test_m2_upgrades_under_load_lose_nothing_and_keep_the_pid(self):
        before = self.pids()
        shares = {"keep_alive": UPGRADES, "http2": UPGRADES, "upload": 2, "web_socket": UPGRADES}
        with Load(self.world, self.cookie()) as load:
            for _ in range(UPGRADES):
                self.signal(signal.SIGUSR2)
            self.wait_for_shares(load, shares)
        self.expect_nothing_lost(load)
        self.assertIsNone(self.world.gateway.process.poll())
        wait_until(lambda: not self.pids() & before, 30, "the first children have ended")


class Changes(ReloadCase):
    """What a reload changes, and what it leaves."""

    tls = True

    def setUp(self):
        """bob is in."""
        self.bob = self.cookie()

    def expect_refused(self, wanted):
        """A reload that changes nothing and says why."""
        pids, failed = self.pids(), self.metric("provgate_reloads_failed_total")
        self.signal(signal.SIGHUP, "reload-failed")
        self.assertIn(wanted, self.world.gateway.log_end())
        self.assertEqual(self.status(self.bob), 200)
        wait_until(lambda: self.pids() <= pids, SWITCH_S, "no children but those before")
        wait_until(lambda: self.metric("provgate_reloads_failed_total") == failed + 1, SWITCH_S, "it is counted")

    def metric(self, name):
        """The value of a counter."""
        fields = [("Authorization", f"Bearer {self.world.admin_token}")]
        text = rawhttp.fetch(self.world.admin_url + "/metrics", headers=fields).body.decode()
        return int(re.search(rf"(?m)^{name} (\d+)$", text).group(1))

    def certificate(self):
        """What the SSO face shows."""
        with rawhttp.Connection.to(self.world.sso_url, self.world.tls) as connection:
            return connection.sock.getpeercert(binary_form=True)

    def test_m4_a_broken_configuration_leaves_the_old_one_serving(self):
        good = self.world.config.read_text()
        self.addCleanup(self.world.config.write_text, good)
        rows = (("store: [", "provgate.yaml:"), (good + "\nappps: 1\n", "did you mean apps"),
                (good.replace("unbound: pass", "unbound: perhaps"), "apps[0].sso.unbound"),
                (good + "\nactivity: {values: [titel]}\n", "did you mean title"),
                (good.replace("idp.pem", "nowhere.pem"), "nowhere.pem cannot be read"), ("", "the file is empty"))
        for text, reason in rows:
            self.world.config.write_text(text)
            with self.subTest(reason):
                self.expect_refused(reason)

    def test_m4_what_needs_a_restart_is_refused_by_name(self):
        for key, value in (("path", str(self.folder / "other")), ("max_size", "2GiB")):
            with self.subTest(key):
                self.write(lambda values, key=key, value=value: values["store"].update({key: value}))
                self.expect_refused(f"store.{key}: it changed, which needs a restart")

    def test_m4_an_address_that_is_taken_leaves_the_old_one_serving(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            address = f"127.0.0.1:{taken.getsockname()[1]}"
            entry = {**self.world.values["sso"]["listen"][0], "address": address}
            self.write(lambda values: values["sso"]["listen"].append(entry))
            self.expect_refused("sso.listen[1].address: cannot listen on")

    def test_children_that_cannot_start_leave_the_old_ones_serving(self):
        data = Path(self.world.values["store"]["path"]) / "store.key"
        data.rename(data.with_suffix(".away"))
        try:
            self.expect_refused("a child of the new crew ended before it served")
        finally:
            data.with_suffix(".away").rename(data)
        self.reload()

    def test_c8_a_new_certificate_is_shown_after_a_reload_and_a_wrong_one_never(self):
        before = self.certificate()
        wrong = keys.make("another", ["127.0.0.1"])
        pem, key = self.folder / "sso.pem", self.folder / "sso.key"
        good_pem, good_key = pem.read_bytes(), key.read_bytes()
        pem.write_bytes(wrong.certificate_pem())
        self.expect_refused("sso.key does not belong to the certificate")
        self.assertEqual(self.certificate(), before)
        pem.write_bytes(good_pem)
        authority = keys.Pair.read(self.folder, "ca")
        keys.make("sso face", ["127.0.0.1", "localhost"], authority).write(self.folder, "sso")
        self.reload()
        self.wait_for_certificate(lambda shown: shown != before)
        pem.write_bytes(good_pem)
        key.write_bytes(good_key)
        self.reload()
        self.wait_for_certificate(lambda shown: shown == before)

    def wait_for_certificate(self, is_right):
        """What is shown is right, and stays so: the processes before have let go of the listener."""
        wait_until(lambda: all(is_right(self.certificate()) for _ in range(20)), SWITCH_S, "another certificate")

    def sign_on_status(self, pair):
        """What the ACS says to a response signed with that key."""
        browser = self.world.browser()
        own = self.world.idp.pair
        self.world.idp.pair, self.world.app.certificate = pair, pair.certificate_pem()
        try:
            return browser.sign_in(self.world.idp.url, "bob@example.com").status
        finally:
            self.world.idp.pair, self.world.app.certificate = own, own.certificate_pem()

    def test_g12_the_identity_providers_next_key_comes_by_reload_and_the_old_one_goes(self):
        new, old = keys.make("idp"), self.world.idp.pair
        path, _ = new.write(self.folder, "idp-next")
        saml = ("apps", 0, "sso", "identity", 0, "saml", "idp_certificates")
        self.assertEqual(self.sign_on_status(new), 403)
        both = [str(self.folder / "idp.pem"), str(path)]
        for certificates, wanted_old, wanted_new in ((both, 303, 303), (both[1:], 403, 303)):
            with self.subTest(certificates):
                self.write(lambda values, c=certificates: at(values, saml[:-1]).update({saml[-1]: c}))
                self.reload()
                wanted = (wanted_old, wanted_new)
                wait_until(lambda w=wanted: (self.sign_on_status(old), self.sign_on_status(new)) == w, SWITCH_S, wanted)

    def test_d3_a_new_credential_and_the_end_of_the_old_one_cost_no_call(self):
        gateway, old = self.world.gateway, self.world.token
        statuses, stop = [], threading.Event()
        current = [old]

        def ask():
            while not stop.is_set():
                fields = [("Authorization", f"Bearer {current[0]}")]
                statuses.append(rawhttp.fetch(self.world.prov_url + "/Users?count=1", headers=fields,
                                              tls=self.world.tls).status)

        thread = threading.Thread(target=ask, daemon=True)
        thread.start()
        try:
            new = gateway.command("token", "new", "--app", "wiki", "--name", "next").strip()
            wait_until(lambda: self.prov_status(new) == 200, 30, "the new credential counts")
            self.reload()
            current[0], asked = new, len(statuses)
            wait_until(lambda: len(statuses) > asked + 1, SWITCH_S, "nobody says the old one any more")
            gateway.command("token", "revoke", "--app", "wiki", "--name", "okta")
            wait_until(lambda: self.prov_status(old) == 401, 30, "the old one does not")
            self.reload()
        finally:
            stop.set()
            thread.join(60)
        self.world.token = new
        self.assertEqual(self.prov_status(old), 401)
        self.assertEqual(self.prov_status(new), 200)
        self.assertGreater(len(statuses), 10)
        self.assertEqual(set(statuses), {200})

    def prov_status(self, token):
        """What the PROV face says to that credential."""
        fields = [("Authorization", f"Bearer {token}")]
        return rawhttp.fetch(self.world.prov_url + "/Users?count=1", headers=fields, tls=self.world.tls).status

    def test_listeners_come_and_go_and_a_retired_child_holds_none(self):
        port = free_ports(1)[0]
        client = self.open_websocket()
        entry = {**self.world.values["sso"]["listen"][0], "address": f"127.0.0.1:{port}"}
        def add(values):
            values["sso"]["listen"].append(entry)
            values["apps"][0]["sso"]["hosts"].append(f"127.0.0.1:{port}")

        self.write(add)
        self.reload()
        url = f"https://127.0.0.1:{port}/api/me"
        self.assertEqual(rawhttp.fetch(url, headers=[("Cookie", self.bob)], tls=self.world.tls).status, 200)
        other = self.open_websocket(f"https://127.0.0.1:{port}/ws")
        self.world.config.write_text(yamltext.dump(self.world.values))
        self.reload()
        wait_until(lambda: not is_open(port), SWITCH_S, "the address is closed")
        for each in (client, other):
            each.send("still there")
            each.receive_echo("still there")

    def open_websocket(self, url=None):
        """A WebSocket of bob."""
        client = websocket.Client(url or self.sso("/ws"), [("Cookie", self.bob)], tls=self.world.tls)
        self.addCleanup(client.close)
        self.assertTrue(client.open)
        return client

    def test_workers_change_by_reload(self):
        threads = []
        for workers in (1, 3):
            before = self.pids()
            self.write(lambda values, workers=workers: values["sso"].update({"workers": workers}))
            self.reload()
            self.assertEqual(self.status(self.bob), 200)
            sso = next(pid for pid in self.pids() - before if role_of(pid) == "sso")
            threads.append(settled(lambda sso=sso: len(os.listdir(f"/proc/{sso}/task"))))
        self.assertEqual(threads[1] - threads[0], 2)

    def test_a_stream_in_a_retired_process_goes_on_and_is_cut_with_its_user(self):
        okta = self.world.okta()
        self.addCleanup(okta.close)
        user = okta.assign("vera@example.com")
        self.bob = self.cookie("vera@example.com")
        client = self.open_websocket()
        for _ in range(3):
            self.reload()
        client.send("still there")
        client.receive_echo("still there")
        okta = self.world.okta()  # the connection before was told that it was over
        self.addCleanup(okta.close)
        okta.unassign(user["id"])
        self.assertTrue(client.closed_within(CUT_S), "not cut")
        self.assertEqual(self.status(self.bob), 403)

    def test_more_crews_than_are_kept_end_the_oldest(self):
        client = self.open_websocket()
        for _ in range(CREWS_MAX):
            self.open_websocket()  # one that comes to the crew before may leave this one without any
            self.reload()
            if self.log_count("crew-ended-early"):
                break
        else:
            self.fail("the oldest is never told to stop")
        self.assertTrue(client.closed_within(60))

    def test_an_assertion_that_was_used_is_used_up_after_a_reload(self):
        browser = self.world.browser()
        action, form = browser.fetch_response(self.world.idp.url, "bob@example.com")
        self.assertEqual(browser.post_form(action, form).status, 303)
        self.reload()
        self.assertEqual(self.world.browser().post_form(action, form).status, 403)

    def test_a_killed_sso_child_leaves_no_one_waiting_for_it(self):
        gateway = self.world.gateway
        fds = Path(f"/proc/{gateway.pid}/fd")
        path = next(fd for fd in fds.iterdir() if "provgate-shared" in os.readlink(fd))
        with path.open("r+b", buffering=0) as shared:  # it begins with the words in which waiting sso writers count
            shared.write(b"\1\0\0\0" * WAITING_WORDS)
            words = Path(f"/proc/{gateway.child('sso')}/cmdline").read_bytes().split(b"\0")
            place = int(words[words.index(b"--place") + 1])
            gateway.wait_child("sso", gateway.kill_child("sso"))
            gateway.wait_healthy()
            shared.seek(place * 4)
            self.assertEqual(shared.read(4), b"\0\0\0\0")
            shared.seek(0)
            shared.write(b"\0" * 4 * WAITING_WORDS)


class Upgrades(ReloadCase):
    """Another program takes over."""

    def setUp(self):
        """provgate runs from a copy of the program, which can be replaced."""
        gateway = self.world.gateway
        self.real, self.copy = gateway.binary, self.folder / "provgate"
        gateway.stop()
        shutil.copy2(self.real, self.copy)
        gateway.binary = self.copy
        self.addCleanup(setattr, gateway, "binary", self.real)
        gateway.start()
        self.bob = self.cookie()

    def replace(self, content):
        """Put another file in the program's place."""
        new = self.folder / "provgate.new"
        new.write_bytes(content)
        new.chmod(0o755)
        new.rename(self.copy)

    def test_m2_the_file_that_stands_in_its_place_takes_over_and_both_go_on_from_there(self):
        client = websocket.Client(self.sso("/ws"), [("Cookie", self.bob)])
        self.addCleanup(client.close)
        before = self.pids()
        self.replace(self.real.read_bytes())
        self.signal(signal.SIGUSR2)
        self.assertEqual(self.status(self.bob), 200)
        self.assertEqual(os.readlink(f"/proc/{self.world.gateway.pid}/exe"), str(self.copy))
        client.send("still there")
        client.receive_echo("still there")
        self.reload()
        self.assertEqual(self.status(self.bob), 200)
        second = subprocess.run([str(self.real), "run", "--config", str(self.world.config)], capture_output=True,
                                timeout=60, check=False)
        self.assertNotEqual(second.returncode, 0, "a second run beside it")
        client.close()
        wait_until(lambda: not self.pids() & before, 30, "the first children have ended")
        self.world.gateway.wait_child("sso", self.world.gateway.kill_child("sso"))
        self.world.gateway.wait_healthy()

    def test_m2_what_is_no_program_or_does_not_take_the_configuration_changes_nothing(self):
        before = self.pids()
        for content in (b"no program", b"#!/nowhere\n", b"#!/bin/sh\nexit 2\n", b"#!/bin/sh\nkill -9 $$\n"):
            with self.subTest(content):
                self.replace(content)
                self.signal(signal.SIGUSR2, "upgrade-failed")
                self.assertEqual(self.status(self.bob), 200)
                wait_until(lambda: self.pids() == before, SWITCH_S, "only the old children")

    def test_m2_a_program_whose_children_cannot_start_leaves_the_old_ones_serving(self):
        before = self.pids()
        key = Path(self.world.values["store"]["path"]) / "store.key"
        key.rename(key.with_suffix(".away"))
        try:
            self.signal(signal.SIGUSR2, "reload-failed")
            self.assertEqual(self.status(self.bob), 200)
            wait_until(lambda: self.pids() == before, SWITCH_S, "only the old children")
        finally:
            key.with_suffix(".away").rename(key)
        self.reload()
        self.assertEqual(self.status(self.bob), 200)


class Stopping(ReloadCase):
    """SIGTERM (M3)."""

    def test_m3_a_running_request_ends_whole_and_a_kept_connection_is_told(self):
        cookie, gateway = self.cookie(), self.world.gateway
        fields = [("Host", self.host()), ("Cookie", cookie)]
        with rawhttp.Connection.to(self.sso("")) as slow, rawhttp.Connection.to(self.sso("")) as kept:
            kept.exchange("GET", "/api/me", fields)
            slow.send_request("GET", "/stream?lines=10", fields)
            head = slow.read_head()
            os.kill(gateway.pid, signal.SIGTERM)
            self.assertTrue(slow.read_body(head).body.endswith(b"line 9\n"))
            self.assertTrue(kept.closed_within(60))
        self.assertEqual(gateway.process.wait(60), 0)
        gateway.start()

    def test_m3_what_does_not_end_is_cut_at_the_limit(self):
        cookie, gateway = self.cookie(), self.world.gateway
        with rawhttp.Connection.to(self.sso("")) as endless:
            endless.send_request("GET", "/stream?lines=100000", [("Host", self.host()), ("Cookie", cookie)])
            endless.read_head()
            os.kill(gateway.pid, signal.SIGTERM)
            self.assertEqual(gateway.process.wait(60), 0)
        gateway.start()


def at(values, path):
    """What stands at a path of keys and places."""
    for key in path:
        values = values[key]
    return values


def settled(look):
    """What look() says when it has said so for a second."""
    value, since = look(), time.monotonic()
    while time.monotonic() - since < 1:
        if (now := look()) != value:
            value, since = now, time.monotonic()
    return value


def is_open(port):
    """Does anybody listen there?"""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=60).close()
        return True
    except ConnectionRefusedError:
        return False
    except ConnectionError:
        return True  # it is just being closed
