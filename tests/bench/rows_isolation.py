"""Row isolation: what an end user feels while Okta and the operator are busy.

End users, the app and the sso process have one half of the cores; the prov process, operators' commands and whoever
asks for them the other half. What is measured is then what the two faces share: the store, its lock, the disk, memory.
On two cores without that it would be who gets a core first, as much as by a loop that asks nobody anything."""
import itertools
import json
import os
import threading
import time

from measure import fdatasyncs, interleaved, paced, say
from peers import Provgate, nginx
from rows_scale import SCAN_S_MAX
from scim_client import PAGE, Scim
from signing import ENTITY, SignOns, make_certificate

USERS, SESSIONS, MEMBERS = 200000, 100000, 100000
CONNECTIONS = 64
LOAD = 0.4  # of the measured maximum
SIGN_ONS_MAX = 120000  # that are signed in one run of the row; the machine's time for it is bounded
COLD_S = 0.7  # a disturbance has begun when the measurement does
SAML = (
    "saml: {acs: [/saml/acs], idp_certificates: [%s], idp_entity: '%s', audience: EXTERNAL_URL, "
    "user: nameid, match: userName}"
)


CORES = sorted(os.sched_getaffinity(0))
END_USERS, OTHERS = set(CORES[: (len(CORES) + 1) // 2]), set(CORES[(len(CORES) + 1) // 2 :] or CORES)


def keep_to(cores, pids):
    """Every thread of these processes, and what it starts from then on."""
    for pid in pids:
        for task in os.listdir(f"/proc/{pid}/task"):
            os.sched_setaffinity(int(task), cores)


def part_faces(gate):
    """Each face on its half of the cores."""
    for pid in gate.pids():
        with open(f"/proc/{pid}/comm", encoding="ascii") as comm:
            keep_to(OTHERS if comm.read().strip() == "provgate-prov" else END_USERS, [pid])


class Disturbance:
    """Something that goes on, turn by turn, in a thread of its own, from enter to exit."""

    def __init__(self, turn):
        self.turn, self.turns, self.errors = turn, 0, []
        self.ended = threading.Event()
        self.thread = None

    def __enter__(self):
        self.ended.clear()
        self.thread = threading.Thread(target=self.run)
        self.thread.start()
        self.ended.wait(COLD_S)

    def __exit__(self, *_):
        self.ended.set()
        self.thread.join()

    def run(self):
        os.sched_setaffinity(0, OTHERS)  # of this thread
        while not self.ended.is_set():
            try:
                self.turns += self.turn()
            except Exception as error:  # pylint: disable=broad-except
                self.errors.append(str(error))
                return


def creates(gate, options):
    """64 connections at full speed; its client is nice, since at home it is another machine."""
    scim = Scim(gate, USERS + 1000)

    def turn():
        figures = scim.create(CONNECTIONS, 1, nice=10)
        if figures["failed"]:
            raise RuntimeError(f"{figures['failed']} creates failed")
        return figures["requests"]

    return turn


def group_push(gate, options):
    """A group of 100,000 is put again and again, every time with 20,000 others."""
    scim, others = Scim(gate), MEMBERS // 5
    ids = scim.ids_from(1, MEMBERS + others)
    bodies, turns = [], 0
    for first in (0, others):
        members = [{"value": ident} for ident in ids[first : first + MEMBERS]]
        group = {"displayName": "pushed", "members": members}
        group["schemas"] = ["urn:ietf:params:scim:schemas:core:2.0:Group"]
        bodies.append(json.dumps(group).encode())
    status, content = scim.request("POST", "/Groups?excludedAttributes=members", bodies[0])
    if status != 201:
        raise RuntimeError(f"POST of a group: {status} {content[:200]}")
    path = f"/Groups/{json.loads(content)['id']}?excludedAttributes=members"

    def turn():
        nonlocal turns
        turns += 1
        status, content = scim.request("PUT", path, bodies[turns % 2])
        if status != 200:
            raise RuntimeError(f"PUT of a group: {status} {content[:200]}")
        return 1

    return turn


def import_walk(gate, options):
    """All users, page by page, as an import in Okta asks for them."""
    scim, start = Scim(gate), 1

    def turn():
        nonlocal start
        status, content = scim.request("GET", f"/Users?startIndex={start}&count={PAGE}")
        if status != 200:
            raise RuntimeError(f"GET of a page: {status}")
        start = start + PAGE if start + PAGE <= USERS else 1
        return 1

    return turn


def backup(gate, options):
    """`provgate backup` in a loop, each into a folder of its own: to remove one would disturb by itself."""
    turns = itertools.count()

    def turn():
        gate.command(options.binary, "backup", "--to", os.path.join(gate.folder, f"backup-{next(turns)}"))
        return 1

    return turn


def busy_loop(gate, options):
    """The control: one thread that computes and asks nobody anything, as the clients above have to run somewhere."""

    def turn():
        end = time.monotonic() + 0.05
        while time.monotonic() < end:
            pass
        return 1

    return turn


DISTURBANCES = {
    "creates at full speed": creates,
    "a group of 100,000 pushed": group_push,
    "an import walk": import_walk,
    "a backup": backup,
    "control: a busy loop": busy_loop,
}


class Kind:
    """Requests of end users of one kind, at a fixed rate."""

    def __init__(self, name, gate, options, sign_ons=None):
        self.name, self.gate, self.options, self.sign_ons, self.rate = name, gate, options, sign_ons, 0

    def ask(self, rate, seconds, count=0):
        words = ["get", SESSIONS]
        if self.sign_ons:
            words = ["post", self.sign_ons.path, self.sign_ons.take(count)]
        os.sched_setaffinity(0, END_USERS)
        figures = paced(self.options.tools, self.gate.port, rate, seconds, CONNECTIONS, *words)
        os.sched_setaffinity(0, CORES)
        return figures

    def find_rate(self, runs):
        """40 % of the maximum, with enough sign-ons for so many runs."""
        seconds, count = 2, 12000
        if self.sign_ons:
            self.sign_ons.reserve(count)
        most = self.ask(0, seconds, count)
        if most["failed"]:
            raise RuntimeError(f"{self.name}: {most['failed']} failed with nothing else going on")
        self.rate = LOAD * (most["requests"] - most["missing"]) / seconds
        if self.sign_ons:
            self.rate = min(self.rate, SIGN_ONS_MAX / runs / self.options.seconds)
            self.sign_ons.reserve(runs * self.count())
        say(f"  {self.name}: at most {most['per_second']:.0f}/s, measured at {self.rate:.0f}/s")

    def count(self):
        return int(self.rate * self.options.seconds) + 10

    def run(self, disturbance=None):
        if not disturbance:
            return self.ask(self.rate, self.options.seconds, self.count())
        with disturbance:
            return self.ask(self.rate, self.options.seconds, self.count())


def show(kind, rows, disturbances):
    """Each disturbance beside the quiet runs."""
    say(f"\nIsolation: {kind.name} at {kind.rate:.0f}/s, open loop, 1 worker")
    quiet = rows["quiet"]["p99"]
    for name, r in rows.items():
        turns, errors = "", []
        if name in disturbances:
            turns, errors = f"  ({disturbances[name].turns} turns)", disturbances[name].errors
        compared = f"  x {r['p99'] / quiet:5.2f}  {r['p99'] - quiet:+7.2f} ms" if name != "quiet" else " " * 20
        wrong = f"  FAILED {r['failed'] + r['missing']:.0f}" if r["failed"] + r["missing"] else ""
        wrong += f"  DISTURBANCE FAILED: {errors[0]}" if errors else ""
        say(f"  {name:28} p50 {r['p50']:7.2f}  p99 {r['p99']:7.2f} ms{compared}  max {r['max']:7.1f}{turns}{wrong}")


def bench_isolation(options, folder, report):
    """p99 of signed-in requests and of sign-ons at 40 % load: quiet, and beside writes, lists and a backup."""
    app = nginx(
        "origin",
        folder,
        1,
        'location /saml { default_type text/plain; add_header Set-Cookie "bench_session=$request_id; Path=/"; '
        'return 200 "in"; } location / { default_type text/plain; return 200 "%s"; }' % ("x" * 1024),
    )
    certificate = make_certificate(folder)
    gate = Provgate(
        "provgate",
        folder,
        options.binary,
        options.tools,
        app.port,
        1,
        users=SESSIONS // 16,
        sessions=SESSIONS,
        provisioned=USERS,
        filled=options.filled,
        identity=SAML % (certificate, ENTITY),
    )
    gate.wait_scanned(SCAN_S_MAX)
    keep_to(END_USERS, app.pids())
    part_faces(gate)
    say(f"\n{USERS} users, {SESSIONS} sessions ({fdatasyncs(folder)} fdatasync/s on this disk)")
    kinds = [
        Kind("signed-in requests", gate, options),
        Kind("sign-ons", gate, options, SignOns(folder, f"http://127.0.0.1:{gate.port}", USERS)),
    ]
    turns = {name: make(gate, options) for name, make in DISTURBANCES.items()}
    for kind in kinds:
        kind.find_rate(options.rounds * (1 + len(turns)))
        disturbances = {name: Disturbance(turn) for name, turn in turns.items()}
        runs = {"quiet": kind.run}
        for name, disturbance in disturbances.items():
            runs[name] = lambda disturbance=disturbance: kind.run(disturbance)
        rows = interleaved(options.rounds, runs)
        report["isolation " + kind.name] = {"rate": kind.rate, **rows}
        show(kind, rows, disturbances)
    for peer in (gate, app):
        peer.stop()
