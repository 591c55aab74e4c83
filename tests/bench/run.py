#!/usr/bin/python3
"""The figures that docs and notes quote: `./dev bench` [--rows sso,guard,scim] [--seconds 4] [--rounds 3].

Every figure is a ratio to a named peer in the same run: rounds are interleaved, medians are printed.
Machines are shared and noisy, so nothing here passes or fails."""
import argparse
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import urllib.request

from peers import ROOT, Provgate, Slapd, haproxy, nginx_proxy, origin, stop_all

LUA = os.path.join(ROOT, "tests", "bench", "lua")


def say(text):
    print(text, flush=True)


def wrk(url, connections, seconds, script, *words):
    """Requests per second, p50 and p99 in ms, failed answers."""
    done = subprocess.run(
        [
            "wrk",
            "-t1",
            f"-c{connections}",
            f"-d{seconds}s",
            "--latency",
            "-s",
            os.path.join(LUA, script),
            url,
            "--",
            *map(str, words),
        ],
        capture_output=True,
        text=True,
        check=True,
    ).stdout

    def milliseconds(label):
        value, unit = re.search(rf"\s{label}\s+([\d.]+)(us|ms|s)\b", done).groups()
        return float(value) * {"us": 0.001, "ms": 1, "s": 1000}[unit]

    failed = re.search(r"Non-2xx or 3xx responses: (\d+)", done)
    requests = int(re.search(r"(\d+) requests in", done).group(1))
    return {
        "rps": float(re.search(r"Requests/sec:\s+([\d.]+)", done).group(1)),
        "p50": milliseconds("50%"),
        "p99": milliseconds("99%"),
        "failed": int(failed.group(1)) if failed else 0,
        "requests": requests,
    }


def measured(peer, url, connections, seconds, script, *words):
    """wrk, with the peer's CPU microseconds per request."""
    before = peer.cpu_seconds()
    figures = wrk(url, connections, seconds, script, *words)
    figures["cpu_us"] = (peer.cpu_seconds() - before) * 1e6 / max(1, figures["requests"])
    return figures


def interleaved(rounds, runs):
    """Runs each of {name: function} in turn, `rounds` times; medians per name."""
    results = {name: [] for name in runs}
    for _ in range(rounds):
        for name, run in runs.items():
            results[name].append(run())
    return {
        name: {key: statistics.median(r[key] for r in rows) for key in rows[0]}
        for name, rows in results.items()
    }


def table(title, rows, reference, unit="req/s"):
    say(f"\n{title}")
    base = rows[reference]["rps"]
    for name, r in rows.items():
        extra = f"  p50/p99 {r['p50']:.2f}/{r['p99']:.2f} ms" if "p50" in r else ""
        cpu = f"  CPU {r['cpu_us']:.1f} us" if "cpu_us" in r else ""
        failed = f"  FAILED {r['failed']:.0f}" if r.get("failed") else ""
        say(f"  {name:34} {r['rps']:10.0f} {unit} ({r['rps'] / base:.2f}){extra}{cpu}{failed}")


def fdatasyncs(folder):
    """4 KiB pwrite + fdatasync a second on this disk: what every durable figure stands on."""
    fd = os.open(os.path.join(folder, "sync"), os.O_RDWR | os.O_CREAT)
    import time

    begun, count = time.monotonic(), 0
    while time.monotonic() - begun < 1:
        os.pwrite(fd, b"x" * 4096, 0)
        os.fdatasync(fd)
        count += 1
    os.close(fd)
    return count


def bench_sso(options, folder, report):
    """SSO face, HTTP/1.1 plain text, 64 connections, 1 KiB, guard on with 1M bound sessions."""
    app = origin(folder)
    peers = [app]
    for workers in (1, 2):
        gate = Provgate(
            f"provgate{workers}",
            folder,
            options.binary,
            options.tools,
            app.port,
            workers,
            users=100000,
            sessions=options.sessions,
        )
        web, ha = nginx_proxy(folder, app.port, workers), haproxy(folder, app.port, workers)
        peers += [gate, web, ha]
        runs = {}
        for peer in (web, ha):
            runs[peer.name] = lambda p=peer: measured(
                p, f"http://127.0.0.1:{p.port}/", 64, options.seconds, "sso.lua", 64, f"127.0.0.1:{p.port}"
            )
        runs["provgate, 64 cookies"] = lambda: measured(
            gate,
            f"http://127.0.0.1:{gate.port}/",
            64,
            options.seconds,
            "sso.lua",
            64,
            f"127.0.0.1:{gate.port}",
        )
        runs["provgate, uniform over all"] = lambda: measured(
            gate,
            f"http://127.0.0.1:{gate.port}/",
            64,
            options.seconds,
            "sso.lua",
            options.sessions,
            f"127.0.0.1:{gate.port}",
        )
        rows = interleaved(options.rounds, runs)
        report[f"sso_{workers}"] = rows
        table(
            f"SSO face, HTTP/1.1 plain, 64 connections, 1 KiB, {options.sessions} bound sessions, {workers} worker(s)",
            rows,
            web.name,
        )
    for peer in peers:
        peer.stop()


def bench_guard(options, folder, report):
    """What the guard costs: the same build and requests, with their cookie known to it and with another one named."""
    app = origin(folder)
    on = Provgate(
        "guard_on",
        folder,
        options.binary,
        options.tools,
        app.port,
        1,
        users=100000,
        sessions=options.sessions,
    )
    off = Provgate("guard_off", folder, options.binary, options.tools, app.port, 1, guard=False)
    runs = {
        p.name: lambda p=p: measured(
            p, f"http://127.0.0.1:{p.port}/", 64, options.seconds, "sso.lua", 64, f"127.0.0.1:{p.port}"
        )
        for p in (off, on)
    }
    rows = interleaved(options.rounds, runs)
    report["guard"] = rows
    table("Cost of the guard (1 worker)", rows, "guard_off")
    for peer in (on, off, app):
        peer.stop()


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
        return measured(
            gate,
            url,
            connections,
            seconds,
            "scim.lua",
            operation,
            "/scim/v2",
            gate.token,
            first,
            count,
            *([ids] if ids else []),
        )

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


ROWS = {"sso": bench_sso, "guard": bench_guard, "scim": bench_scim}


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", default=",".join(ROWS), help="which: " + ", ".join(ROWS))
    parser.add_argument("--seconds", type=int, default=4, help="of each single run")
    parser.add_argument("--rounds", type=int, default=3, help="interleaved; medians are printed")
    parser.add_argument("--sessions", type=int, default=1000000, help="bound sessions in the store")
    parser.add_argument("--users", type=int, default=50000)
    parser.add_argument("--binary", default=os.path.join(ROOT, "build", "provgate"))
    parser.add_argument("--tools", default=os.path.join(ROOT, "build", "bench"))
    parser.add_argument("--json", help="write all figures to this file")
    options = parser.parse_args()
    report = {}
    for row in options.rows.split(","):
        if row not in ROWS:
            parser.error(f"no row {row}; there are {', '.join(ROWS)}")
    folder = tempfile.mkdtemp(prefix="provgate-bench-", dir=os.environ.get("TMPDIR", "/var/tmp"))
    try:
        for row in options.rows.split(","):
            bench_folder = os.path.join(folder, row)
            os.makedirs(bench_folder)
            ROWS[row](options, bench_folder, report)
    finally:
        stop_all()
        shutil.rmtree(folder, ignore_errors=True)
    if options.json:
        with open(options.json, "w") as f:
            json.dump(report, f, indent=1)
    return 0


if __name__ == "__main__":
    sys.exit(main())
