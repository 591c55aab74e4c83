"""Row folder: issue 6's operations on a small and on a large folder, and what the size costs."""
import os

from measure import interleaved, say, table
from peers import Provgate, origin
from rows_scale import SCAN_S_MAX, gib_for
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
        "POST": lambda: scim.create(CONNECTIONS, options.seconds),
        "meta.lastModified gt": lambda: load("modified", extra=last_change(scim))(),
        "PATCH active": load("active", extra=ids),
        "PATCH of a group of 100": load("member", extra=small),
        "PATCH of a group of 100,000": load("member", extra=large),
    }


def filled_folder(options, folder, app, users):
    """A provgate of its own with so many users."""
    home = os.path.join(folder, str(users))
    os.makedirs(home)
    return Provgate(
        f"folder{users}", home, options.binary, options.tools, app.port, 1,
        provisioned=users, max_gib=gib_for(users), filled=options.filled,
    )  # fmt: skip


def bench_folder(options, folder, report):
    """Folders of --folders users: every operation at 16 connections, private memory, and what the size costs."""
    sizes = [int(size) for size in options.folders.split(",")]
    app = origin(folder)
    gates = {size: filled_folder(options, folder, app, size) for size in sizes}
    for size in sizes:
        if not gates[size].wait_scanned(SCAN_S_MAX):
            say(f"  {size} users: the scan of the store goes on, at a fifth of a core")
    runs = {size: operations(options, Scim(gates[size], size), size) for size in sizes}
    for operation in runs[sizes[0]]:  # the sizes in turn, as the machine's speed changes by more than they differ
        turns = {f"{size} users": runs[size][operation] for size in sizes}
        rows = report["prov " + operation] = interleaved(options.rounds, turns)
        table(f"{operation}, {CONNECTIONS} connections", rows, f"{sizes[0]} users", "op/s")
    for size in sizes:
        private = report[f"private_kib {size}"] = gates[size].private_kib_each()
        say(f"  private memory, {size} users: " + ", ".join(f"{k} {v / 1024:.1f} MiB" for k, v in private.items()))
    for peer in (*gates.values(), app):
        peer.stop()
