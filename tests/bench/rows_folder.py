"""Row folder: issue 6's operations on a small and on a large folder, and what the size costs."""
import os
import subprocess

from measure import interleaved, say, table
from peers import Provgate, origin
from rows_scale import gib_for
from scim_client import Scim

CONNECTIONS = 16
MEMBERS = 2000  # who come and go in a group


def last_change(scim):
    """A time after which a page of users was changed, and few more."""
    page = scim.get(f"/Users?startIndex={scim.users() - 120}&count=1")["Resources"]
    return page[0]["meta"]["lastModified"]


def operations(options, scim, users):
    """By name: one run each."""
    ids = scim.ids_file(users)
    members = scim.ids_from(users - MEMBERS, MEMBERS)
    small = scim.member_file(scim.group("team 00000000"), members)
    large = scim.member_file(scim.group("large"), members)

    def load(operation, connections=CONNECTIONS, first=0, count=0, extra=""):
        return lambda: scim.load(operation, connections, options.seconds, first, count, extra)

    return {
        "get by id": load("get", extra=ids),
        "userName eq": load("lookup", count=users),
        "a page of 100 at the start": load("page", first=1),
        "a page of 100 at the end": load("page", first=users - 100),
        "meta.lastModified gt": lambda: load("modified", extra=last_change(scim))(),
        "POST": lambda: scim.create(CONNECTIONS, options.seconds),
        "PATCH active": load("active", extra=ids),
        "PATCH of a group of 100": load("member", extra=small),
        "PATCH of a group of 100,000": load("member", extra=large),
    }


def one_folder(options, folder, users):
    """The figures of one size."""
    app = origin(folder)
    gate = Provgate(
        f"folder{users}", folder, options.binary, options.tools, app.port, 1,
        provisioned=users, max_gib=gib_for(users), filled=options.filled,
    )  # fmt: skip
    rows = interleaved(options.rounds, operations(options, Scim(gate, users), users))
    title = f"A folder of {users} users with groups, {CONNECTIONS} connections"
    table(title, rows, "get by id", "op/s")
    private = gate.private_kib_each()
    say("  private memory: " + ", ".join(f"{k} {v / 1024:.1f} MiB" for k, v in private.items()))
    for peer in (gate, app):
        peer.stop()
    return {"rows": rows, "private_kib": private}


def bench_folder(options, folder, report):
    """Folders of --folders users: every operation at 16 connections, private memory, and what the size costs."""
    sizes = options.folders.split(",")
    for size in sizes:
        home = os.path.join(folder, size)
        os.makedirs(home)
        report["folder " + size] = one_folder(options, home, int(size))
        subprocess.run(["rm", "-rf", home], check=True)
    first = report["folder " + sizes[0]]["rows"]
    for size in sizes[1:]:
        say(f"\n{size} users against {sizes[0]}")
        for name, r in report["folder " + size]["rows"].items():
            before = first[name]
            say(f"  {name:34} requests/s x {r['rps'] / before['rps']:.2f}   p50 x {r['p50'] / before['p50']:.2f}")
