"""Rows of the PROV face, beside slapd."""
import json
import os
import subprocess
import urllib.request

from measure import fdatasyncs, interleaved, measured, say, table, wrk
from peers import Provgate, Slapd, origin


def scim_ids(gate, count):
    """Ids of the first `count` users after the service user, into a file for wrk."""
    path, ids, start = os.path.join(gate.store, "..", "ids"), [], 2
    while len(ids) < count:
        request = urllib.request.Request(
            f"http://127.0.0.1:{gate.prov_port}/scim/v2/Users?startIndex={start}&count=100",
            headers={"Authorization": "Bearer " + gate.token, "Host": f"127.0.0.1:{gate.prov_port}"},
        )
        page = [r["id"] for r in json.load(urllib.request.urlopen(request))["Resources"]]
        if not page:
            break
        ids += page
        start += len(page)
    with open(path, "w") as f:
        f.write("\n".join(ids))
    return path


def ldap(options, slapd, operation, connections, seconds, first, count):
    done = subprocess.run(
        [
            os.path.join(options.tools, "bench_ldap"),
            slapd.uri,
            slapd.bind_dn,
            slapd.password,
            slapd.base,
            operation,
            str(connections),
            str(seconds),
            str(first),
            str(count),
        ],
        capture_output=True,
        text=True,
    ).stdout
    r = json.loads(done)
    return {"rps": r["per_second"], "failed": r["failed"]}


def bench_scim(options, folder, report):
    """PROV face against slapd (mdb, synced) with 50,000 users."""
    app, slapd = origin(folder), Slapd(folder)
    gate = Provgate("scim", folder, options.binary, options.tools, app.port, 1)
    url, syncs = f"http://127.0.0.1:{gate.prov_port}/", fdatasyncs(folder)
    state = {"gate": 0, "slapd": 0}

    def scim(operation, connections, seconds, first, count, ids=""):
        words = [operation, "/scim/v2", gate.token, first, count] + ([ids] if ids else [])
        return measured(gate, lambda: wrk(url, connections, seconds, "scim.lua", *words))

    def create(connections):
        r = scim("create", connections, options.seconds, state["gate"], 0)
        state["gate"] += r["requests"] + 1000
        return r

    def ldap_add(connections):
        r = ldap(options, slapd, "add", connections, options.seconds, state["slapd"], 10**9)
        state["slapd"] += int(r["rps"] * options.seconds * 1.5) + 1000
        return r

    say(f"\nfilling both with {options.users} users ({syncs} fdatasync/s on this disk)")
    while state["gate"] < options.users:
        state["gate"] += scim("create", 64, 2, state["gate"], 0)["requests"] + 1000
    ldap(options, slapd, "add", 64, 3600, 0, options.users)
    state["slapd"] = options.users
    report["fdatasync_per_second"] = syncs
    ids = scim_ids(gate, 20000)
    names = (
        options.users * 3 // 4
    )  # names below this exist in both, apart from gaps at the ends of filling rounds
    for connections in (1, 64):
        rows = interleaved(
            options.rounds,
            {"slapd add": lambda: ldap_add(connections), "provgate POST": lambda: create(connections)},
        )
        report[f"create_{connections}"] = rows
        table(
            f"Durable creates, {connections} connection(s), {options.users} users", rows, "slapd add", "op/s"
        )
    for connections in (1, 64):
        rows = interleaved(
            options.rounds,
            {
                "slapd modify": lambda: ldap(
                    options, slapd, "modify", connections, options.seconds, 0, names
                ),
                "provgate PATCH active": lambda: scim("active", connections, options.seconds, 0, 0, ids),
            },
        )
        report[f"patch_{connections}"] = rows
        table(f"Durable PATCH active, {connections} connection(s)", rows, "slapd modify", "op/s")
    rows = interleaved(
        options.rounds,
        {
            "slapd search by uid": lambda: ldap(options, slapd, "search", 16, options.seconds, 0, names),
            "slapd read by DN": lambda: ldap(options, slapd, "get", 16, options.seconds, 0, names),
            "provgate userName eq": lambda: scim("lookup", 16, options.seconds, 0, names),
            "provgate get by id": lambda: scim("get", 16, options.seconds, 0, 0, ids),
        },
    )
    report["read"] = rows
    table("Reads, 16 connections", rows, "slapd search by uid", "op/s")
    rows = interleaved(
        options.rounds,
        {
            f"startIndex {n}": (lambda n=n: scim("page", 1, 2, n, 0))
            for n in (1, options.users // 2, options.users)
        },
    )
    report["page"] = rows
    table("A page of 100, 1 connection (p50 is the figure)", rows, "startIndex 1", "op/s")
    for peer in (gate, slapd, app):
        peer.stop()
