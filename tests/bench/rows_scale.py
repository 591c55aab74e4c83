"""Row scale: one folder from ten thousand to ten million users, beside slapd and bare LMDB with the same records."""
import json
import os
import statistics
import subprocess
import time

from measure import fdatasyncs, interleaved, say, table
from peers import Provgate, Slapd, origin
from rows_prov import ldap
from scim_client import Scim
from signing import user_name

CONNECTIONS = (1, 16, 64)
IMPORTED, IMPORTED_ALONE = 50000, 1000000
LARGE_GROUP, TEAM, ROLE = 100000, 100, 1000  # as bench_load_users makes them
SLAPD_USERS_MAX = 1000000  # its loading takes hours beyond it
CREATE_SECONDS_MAX = 4
SCAN_S_MAX = 600  # one of ten million users takes half an hour


def gib_for(users):
    """A map with room for all of it and for what the runs add."""
    return 8 + users * 4 // 1000000


def write_ldif(users):
    """What slapadd is to load: the same users and groups, apart from the group of everyone, which it cannot hold."""

    def dn(number, base):
        return f"uid={user_name(number)},{base}"

    def group(f, name, numbers, base):
        f.write(f"dn: cn={name},{base}\nobjectClass: groupOfNames\ncn: {name}\n")
        for number in numbers:
            f.write(f"member: {dn(number, base)}\n")
        f.write("\n")

    def write(f, base):
        for i in range(users):
            name = user_name(i)
            f.write(
                f"dn: {dn(i, base)}\nobjectClass: inetOrgPerson\nuid: {name}\nmail: {name}\n"
                f"employeeNumber: 00u{name[4:12]}\ngivenName: Given\nsn: Family\ncn: Given Family\n\n"
            )
        group(f, "large", range(min(users, LARGE_GROUP)), base)
        for i in range(users // TEAM):
            group(f, f"team {i:08d}", range(i * TEAM, (i + 1) * TEAM), base)
        roles = users // ROLE
        for i in range(roles):
            group(f, f"role {i:08d}", range(i, i + roles * ROLE, roles), base)

    return write


class BareLmdb:
    """The same puts straight into LMDB: bench_lmdb, which goes on when it is asked for a figure."""

    def __init__(self, options, folder, users):
        words = [os.path.join(options.tools, "bench_lmdb"), os.path.join(folder, "bare")]
        words += [str(gib_for(users)), str(users), str(options.seconds)]
        self.process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.bytes_per_user = json.loads(self.process.stdout.readline())["bytes"] / users

    def creates(self, group):
        """Durable creates a second, so many to a commit."""
        self.process.stdin.write(f"{group}\n")
        self.process.stdin.flush()
        return {"rps": json.loads(self.process.stdout.readline())["per_second"]}

    def stop(self):
        """Ends it."""
        self.process.communicate()


def direct(gate, scim, connections, seconds):
    """Creates straight through the store's writer, while provgate does not run."""
    done = gate.load_users("create", scim.next, connections, seconds)
    scim.next += done["changes"] + 1000
    return {"rps": done["per_second"], "failed": done["failed"]}


def show_creates(options, gate, scim, slapd, bare, report):
    """Durable creates, alone and many at once."""
    state = {"slapd": report["users"]}
    seconds = min(options.seconds, CREATE_SECONDS_MAX)

    def ldap_add(connections):
        figures = ldap(options, slapd, "add", connections, seconds, state["slapd"], 10**9)
        state["slapd"] += int(figures["rps"] * seconds * 2) + 1000
        return figures

    gate.stop()
    alone = {
        c: interleaved(options.rounds, {"": lambda c=c: direct(gate, scim, c, seconds)})[""] for c in CONNECTIONS
    }
    gate.restart()
    for connections in CONNECTIONS:
        bare_name = f"bare LMDB, {connections} to a commit"
        runs = {
            "provgate POST": lambda c=connections: scim.create(c, seconds),
            bare_name: lambda c=connections: bare.creates(c),
        }
        if slapd:
            runs = {"slapd add": lambda c=connections: ldap_add(c), **runs}
        rows = interleaved(options.rounds, runs)
        rows["straight through the store"] = alone[connections]
        report[f"create_{connections}"] = rows
        table(f"Durable creates, {connections} connection(s), {report['users']} users", rows, "provgate POST", "op/s")


def show_reads(options, gate, scim, slapd, report):
    """Reads from all over the folder, and pages at its start, middle and end."""
    users, ids = report["users"], scim.ids_file(report["users"])
    runs = {
        "provgate get by id": lambda: scim.load("get", 16, options.seconds, extra=ids),
        "provgate userName eq": lambda: scim.load("lookup", 16, options.seconds, 0, users),
    }
    if slapd:
        runs["slapd search by uid"] = lambda: ldap(options, slapd, "search", 16, options.seconds, 0, users)
        runs["slapd read by DN"] = lambda: ldap(options, slapd, "get", 16, options.seconds, 0, users)
    report["read"] = interleaved(options.rounds, runs)
    table(f"Reads, 16 connections, {users} users", report["read"], "provgate userName eq", "op/s")
    starts = (1, users // 2, users - 100)
    pages = {f"startIndex {n}": (lambda n=n: scim.load("page", 1, 2, n)) for n in starts}
    report["page"] = interleaved(options.rounds, pages)
    table("A page of 100, 1 connection (p50 is the figure)", report["page"], "startIndex 1", "op/s")
    report["private_kib"] = gate.private_kib_each()
    say("  private memory: " + ", ".join(f"{k} {v / 1024:.1f} MiB" for k, v in report["private_kib"].items()))


def import_seconds(options, gate, first, count):
    """`provgate import` of so many new people into the folder."""
    path = os.path.join(gate.folder, "people.csv")
    with open(path, "w", encoding="ascii") as f:
        f.write("userName,externalId,email,givenName,familyName,displayName\n")
        for i in range(first, first + count):
            name = user_name(i)
            f.write(f"{name},00u{name[4:12]},{name},Given,Family,Given Family\n")
    begun = time.monotonic()
    gate.command(options.binary, "import", path, "--folder", "staff")
    return time.monotonic() - begun


def show_import(options, gate, scim, report):
    """An import into the folder that is there, beside a provgate that serves it."""
    report["import_per_second"] = IMPORTED / import_seconds(options, gate, scim.next, IMPORTED)
    scim.next += IMPORTED + 1000
    say(f"\nimport of {IMPORTED} new users beside a running provgate: {report['import_per_second']:.0f}/s")


def one_size(options, folder, users):
    """All figures of one size."""
    report = {"users": users, "fdatasync_per_second": fdatasyncs(folder)}
    say(f"\n=== {users} users; {report['fdatasync_per_second']} fdatasync/s on this disk")
    app = origin(folder)
    gate = Provgate(
        f"scale{users}", folder, options.binary, options.tools, app.port, 1,
        provisioned=users, max_gib=gib_for(users), filled=options.filled,
    )  # fmt: skip
    scim = Scim(gate, users)
    report["bytes_per_user"] = os.stat(os.path.join(gate.store, "data.mdb")).st_size / users
    report["start_seconds"] = statistics.median(gate.restart() for _ in range(5))
    say(
        f"filled at {gate.fill['per_second']:.0f} changes/s without syncs; {report['bytes_per_user']:.0f} bytes a user "
        f"with groups; both faces answer {report['start_seconds'] * 1000:.0f} ms after the start"
    )
    slapd = Slapd(folder, write_ldif(users), f"slapd{users}") if users <= SLAPD_USERS_MAX else None
    if slapd:
        size = os.stat(os.path.join(slapd.folder, "db", "data.mdb")).st_blocks * 512
        report["slapd_bytes_per_user"] = size / users
        say(f"slapd: loaded with slapadd -q in {slapd.fill_seconds:.0f} s; {size / users:.0f} bytes a user")
    bare = BareLmdb(options, folder, users)
    report["bare_bytes_per_user"] = bare.bytes_per_user
    many = bare.creates(1024)["rps"]
    say(f"bare LMDB: {bare.bytes_per_user:.0f} bytes a user; 1024 to a commit: {many:.0f} creates/s")
    if not gate.wait_scanned(SCAN_S_MAX):
        say("the scan of the store goes on, at a fifth of a core")
    show_reads(options, gate, scim, slapd, report)
    show_creates(options, gate, scim, slapd, bare, report)
    show_import(options, gate, scim, report)
    for peer in (gate, app, slapd, bare):
        if peer:
            peer.stop()
    return report


def bench_scale(options, folder, report):
    """Stores of --sizes users with groups: creates, reads, pages, start, memory, beside slapd and bare LMDB."""
    for size in options.sizes.split(","):
        home = os.path.join(folder, size)
        os.makedirs(home)
        report["scale " + size] = one_size(options, home, int(size))
        subprocess.run(["rm", "-rf", home], check=True)


def bench_import(options, folder, report):
    """A million users imported into an empty folder: while nobody serves it, and beside a provgate that does."""
    app = origin(folder)
    for name, is_served in (("while nobody serves", False), ("beside a running provgate", True)):
        gate = Provgate("import " + name, folder, options.binary, options.tools, app.port, 1, max_gib=8)
        if not is_served:
            gate.stop()
        seconds = report["import " + name] = import_seconds(options, gate, 0, IMPORTED_ALONE)
        say(f"import of {IMPORTED_ALONE} users {name}: {seconds:.1f} s, {IMPORTED_ALONE / seconds:.0f}/s")
        gate.stop()
    app.stop()
