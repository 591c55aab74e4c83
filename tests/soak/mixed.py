#!/usr/bin/python3
"""People, Okta and an operator at once, for as long as asked, with an oracle that knows who may pass.

mixed.py [--minutes 60] [--people 300] [--pause 0.02] [--tls] [--dir FOLDER]
The binary is PROVGATE_BIN, by default build/provgate. A line each minute; the last is "N passed, N failed".
What is checked: no active user is refused and no inactive one passes; every body arrives whole; no process dies that
was not killed here; memory, descriptors and the store do not grow beyond what the data explains.
"""

import argparse
import hashlib
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from lab import rawhttp, websocket, wire  # noqa: E402
from lab.browser import Browser  # noqa: E402
from lab.okta import OktaError  # noqa: E402
from lab.world import World  # noqa: E402

BROWSERS = 6
UPLOAD_BYTES_MAX = 512 << 10
RELOAD_S, KILL_S, BACKUP_S, SAMPLE_S = 300, 420, 540, 60
GROWTH_KIB_MAX = 16 << 10  # of private memory between the second quarter and the end
DESCRIPTORS_MAX = 64


class Person:
    """A user as the oracle knows him. `turn` changes whenever somebody begins or ends to change him."""

    def __init__(self, number):
        self.name = f"soak{number}@example.com"
        self.lock = threading.Lock()
        self.turn, self.changing = 0, False
        self.active, self.generation = True, 0
        self.ident, self.browser, self.bound = None, None, None

    def look(self):
        """What is true of him now, to be compared with a later look."""
        return self.turn, self.changing, self.active, self.generation, self.bound

    def change(self, how, active):
        """One change by Okta or the operator; afterwards older sessions are dead when he was deactivated."""
        with self.lock:
            self.turn, self.changing = self.turn + 1, True
            try:
                how()
                if not active:
                    self.generation += 1
                self.active = active
            finally:
                self.turn, self.changing = self.turn + 1, False


class Soak:
    """The world, its threads, and what went wrong."""

    def __init__(self, world, people, pause_s):
        self.world, self.pause_s = world, pause_s
        self.people = [Person(number) for number in range(people)]
        self.stopping = threading.Event()
        self.counts, self.failures, self.lock = {}, [], threading.Lock()
        self.outages = 0  # of the prov child, which this program causes

    def count(self, what):
        """One more of something that went as it should."""
        with self.lock:
            self.counts[what] = self.counts.get(what, 0) + 1

    def fail(self, what):
        """Something that must not be."""
        with self.lock:
            self.failures.append(what)
        print(f"FAILED  {what}", flush=True)

    def each(self, work):
        """One kind of work again and again."""
        while not self.stopping.wait(self.pause_s):
            try:
                work()
            except Exception as error:  # pylint: disable=broad-except
                if not self.stopping.is_set():
                    self.fail(f"{work.__name__}: {type(error).__name__}: {error}")

    # --- what people do

    def judge(self, person, before, status, what):
        """Compare an answer with what the oracle says, when nothing changed meanwhile."""
        if person.look() != before or before[1]:
            return
        _, _, active, generation, bound = before
        if active and bound == generation and status == 403:
            self.fail(f"refused though active: {person.name} at {what}")
        elif (not active or (bound is not None and bound != generation)) and status < 400:
            self.fail(f"passed though inactive or ended: {person.name} at {what}")
        else:
            self.count(what)

    def browse(self):
        """One person signs in when he has to, then does one thing."""
        person = random.choice(self.people)
        if not person.lock.acquire(blocking=False):
            return
        try:
            if person.browser is None or random.random() < 0.05:
                self.sign_in(person)
        finally:
            person.lock.release()
        if person.browser is not None:
            before = person.look()
            do = random.choice((self.page, self.page, self.page, self.upload, self.download, self.websocket))
            try:
                self.judge(person, before, do(person), do.__name__)
            except (OSError, wire.Closed):  # cut, when he was being deactivated
                if person.look() == before and not before[1]:
                    raise

    def sign_in(self, person):
        """Through the identity provider, which knows nothing of Okta's other app. The person's lock is held."""
        browser, before = Browser(self.world.tls), person.look()
        answer = browser.sign_in(self.world.idp.url, person.name)
        if person.active != (answer.status == 303):
            self.fail(f"sign-in of {person.name}, active {person.active}: {answer.status}")
        if answer.status == 303:
            person.browser, person.bound = browser, before[3]
            self.count("sign-in")
        else:
            self.count("sign-in refused")

    def fields(self, person):
        """The person's cookie."""
        return person.browser.cookie_header(self.world.sso_url)

    def ask(self, person, path, method="GET", body=None):
        """One request with his cookie."""
        return rawhttp.fetch(self.world.sso_url + path, method, self.fields(person), body, self.world.tls)

    def page(self, person):
        """A page."""
        answer = self.ask(person, "/api/me")
        if answer.status < 400 and person.name.encode() not in answer.body:
            self.fail(f"{person.name} got somebody else's page")
        return answer.status

    def upload(self, person):
        """A body of any size."""
        body = os.urandom(random.randrange(UPLOAD_BYTES_MAX))
        answer = self.ask(person, "/upload", "POST", body)
        if answer.status == 200 and answer.json()["sha256"] != hashlib.sha256(body).hexdigest():
            self.fail("an upload did not arrive whole")
        return answer.status

    def download(self, person):
        """A mebibyte."""
        answer = self.ask(person, "/static/1m")
        if answer.status == 200 and len(answer.body) != 1 << 20:
            self.fail("a download did not arrive whole")
        return answer.status

    def websocket(self, person):
        """Some echoes."""
        client = websocket.Client(self.world.sso_url + "/ws", self.fields(person), tls=self.world.tls)
        if not client.open:
            return client.answer.status
        for number in range(5):
            client.send(f"soak {number}")
            client.receive_echo(f"soak {number}")
        client.close()
        return 101

    # --- what Okta and the operator do

    def provision(self):
        """One change of one person, or a walk."""
        person, okta = random.choice(self.people), self.world.okta(random.choice(("aiw", "oin")))
        draw = random.random()
        try:
            if draw < 0.6:
                person.change(lambda: okta.set_active(person.ident, not person.active), not person.active)
                self.count("reactivated" if person.active else "deactivated")
            elif draw < 0.95:
                with person.lock:
                    okta.put(person.ident, title=f"title {random.random()}")
                self.count("updated")
            else:
                if len(okta.import_users()) < len(self.people):
                    self.fail("a walk missed somebody")
                self.count("walk")
        except (OSError, OktaError, wire.Closed) as error:  # the child was killed
            if not self.outages:
                raise
            self.settle(person, error)
        finally:
            okta.close()
        self.stopping.wait(self.pause_s * 10)

    def settle(self, person, error):
        """A call died with the prov child that this program killed: ask what became of it, as Okta's retry does."""
        end = time.monotonic() + 30
        while time.monotonic() < end:
            try:
                okta = self.world.okta()
                active = okta.get(person.ident)["active"]
                with person.lock:
                    person.turn += 1
                    person.generation += 1  # older sessions may be dead: nothing is said of them
                    person.active, person.browser, person.bound = active, None, None
                self.outages = 0
                return
            except (OSError, OktaError, wire.Closed):
                time.sleep(0.2)
        raise error

    def operate(self):
        """Reloads, a crash of the prov child, a backup, each by its own clock."""
        now = time.monotonic()
        for name, every, work in (("reload", RELOAD_S, self.reload), ("kill", KILL_S, self.kill),
                                  ("backup", BACKUP_S, self.backup)):
            if now - self.due.setdefault(name, now) >= every:
                self.due[name] = now
                work()
                self.count(name)
        self.stopping.wait(1)

    due = {}

    def reload(self):
        """SIGHUP."""
        os.kill(self.world.gateway.pid, signal.SIGHUP)

    def kill(self):
        """Nothing of it may be noticed by people."""
        self.outages += 1
        pid = self.world.gateway.kill_child("prov")
        self.world.gateway.wait_child("prov", pid)

    def backup(self):
        """Into a fresh folder, which goes again."""
        folder = tempfile.mkdtemp(prefix="provgate-soak-backup-")
        self.world.gateway.command("backup", "--to", os.path.join(folder, "copy"))
        shutil.rmtree(folder)

    # --- running

    def sample(self):
        """Anonymous KiB and descriptors of provgate's processes, and the store's size on disk. Pages of the store that
        only one process maps are private too, but the kernel's cache."""
        pids = subprocess.run(["pgrep", "-P", str(self.world.gateway.pid)], capture_output=True, text=True, check=False)
        private = descriptors = 0
        for pid in pids.stdout.split():
            try:
                rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
                private += sum(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Anonymous:"))
                descriptors += len(os.listdir(f"/proc/{pid}/fd"))
            except OSError:
                pass
        store = os.stat(Path(self.world.values["store"]["path"]) / "data.mdb").st_blocks // 2
        return {"private": private, "descriptors": descriptors, "store": store}

    def metric(self, name):
        """The sum of a counter, from the admin API."""
        text = rawhttp.fetch(self.world.admin_url + "/metrics",
                             headers=[("Authorization", "Bearer " + self.world.admin_token)]).body.decode()
        lines = [line for line in text.splitlines() if line.startswith(name)]
        return sum(float(line.rsplit(" ", 1)[1]) for line in lines)

    def prepare(self):
        """Everybody comes from Okta first."""
        okta = self.world.okta()
        for number, person in enumerate(self.people):
            person.ident = okta.assign(person.name, f"00usoak{number}")["id"]
        okta.close()

    def run(self, minutes):
        """All threads for so long; the samples."""
        works = [self.browse] * BROWSERS + [self.provision, self.operate]
        threads = [threading.Thread(target=self.each, args=(work,), daemon=True) for work in works]
        for thread in threads:
            thread.start()
        samples, end = [], time.monotonic() + minutes * 60
        while time.monotonic() < end:
            time.sleep(min(SAMPLE_S, max(0.0, end - time.monotonic())))
            samples.append(self.sample())
            said = "  ".join(f"{name} {number}" for name, number in sorted(self.counts.items()))
            print(f"{len(samples):4}  {samples[-1]}  {said}", flush=True)
        self.stopping.set()
        for thread in threads:
            thread.join(30)
        return samples

    def check(self, samples):
        """After the run: growth, and what provgate counted itself."""
        late, last = samples[len(samples) // 4], samples[-1]
        if last["private"] - late["private"] > GROWTH_KIB_MAX:
            self.fail(f"private memory grew: {late['private']} to {last['private']} KiB")
        if last["descriptors"] > late["descriptors"] + DESCRIPTORS_MAX:
            self.fail(f"descriptors grew: {late['descriptors']} to {last['descriptors']}")
        if self.metric("provgate_sso_refused_though_active_total") > 0:
            self.fail("provgate counts refusals of active users")


def main():
    """Command line; the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--people", type=int, default=300)
    parser.add_argument("--pause", type=float, default=0.02, help="seconds between two things of one thread")
    parser.add_argument("--tls", action="store_true")
    parser.add_argument("--dir", help="keeps the world's folder there")
    args = parser.parse_args()
    folder = args.dir or tempfile.mkdtemp(prefix="provgate-soak-")
    world = World(folder, args.tls)
    soak = Soak(world, args.people, args.pause)
    try:
        world.start()
        soak.prepare()
        soak.check(soak.run(args.minutes))
    finally:
        status = world.stop()
        if not args.dir:
            shutil.rmtree(folder, ignore_errors=True)
    if status != 0:
        soak.fail(f"provgate ended with status {status}")
    print(f"{sum(soak.counts.values())} passed, {len(soak.failures)} failed")
    return 1 if soak.failures else 0


if __name__ == "__main__":
    sys.exit(main())
