"""How a figure is taken: a load generator, the peer's CPU time, interleaved rounds, medians, one way to print."""
import json
import os
import re
import statistics
import subprocess
import tempfile
import time

LUA = os.path.join(os.path.dirname(os.path.abspath(__file__)), "lua")


def say(text):
    print(text, flush=True)


def wrk(url, connections, seconds, script, *words, nice=0):
    """Requests per second, p50 and p99 in ms, failed answers."""
    done = subprocess.run(
        [
            "nice",
            f"-n{nice}",
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


def paced(tools, port, rate, seconds, connections, *words):
    """An open loop (bench_paced): requests, failed, missing, per_second, p50 to max in ms."""
    done = subprocess.run(
        [os.path.join(tools, "bench_paced"), str(port), f"127.0.0.1:{port}", f"{rate:.1f}"]
        + [str(seconds), str(connections), *map(str, words)],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    ).stdout
    return json.loads(done)


def h2load(url, connections, streams, seconds, *fields):
    """Requests per second over HTTP/2, p50 and p99 in ms, failed answers; `fields` are header lines."""
    with tempfile.NamedTemporaryFile("r") as log:
        words = ["h2load", f"-c{connections}", f"-m{streams}", f"-D{seconds}", "--warm-up-time=1"]
        words += ["--log-file", log.name]
        for field in fields:
            words += ["-H", field]
        done = subprocess.run(words + [url], capture_output=True, text=True, check=True).stdout
        times, good = [], 0
        for line in log:
            _, status, microseconds = line.split()
            times.append(int(microseconds) / 1000)
            good += 200 <= int(status) < 400
    times.sort()
    return {
        "rps": float(re.search(r"finished in [\d.]+m?s, ([\d.]+) req/s", done).group(1)),
        "p50": times[len(times) // 2],
        "p99": times[len(times) * 99 // 100],
        "failed": len(times) - good,
        "requests": len(times),
    }


def measured(peer, run):
    """What `run()` gives, with the peer's CPU microseconds per request."""
    before = peer.cpu_seconds()
    figures = run()
    figures["cpu_us"] = (peer.cpu_seconds() - before) * 1e6 / max(1, figures["requests"])
    return figures


def spread(values):
    """Median, p99 and the worst of a list."""
    ordered = sorted(values)
    return {"p50": ordered[len(ordered) // 2], "p99": ordered[len(ordered) * 99 // 100], "max": ordered[-1]}


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
        cpu += f"  private {r['private_kib'] / 1024:.0f} MiB" if "private_kib" in r else ""
        failed = f"  FAILED {r['failed']:.0f}" if r.get("failed") else ""
        say(f"  {name:34} {r['rps']:10.0f} {unit} ({r['rps'] / base:.2f}){extra}{cpu}{failed}")


def fdatasyncs(folder):
    """4 KiB pwrite + fdatasync a second on this disk: what every durable figure stands on."""
    fd = os.open(os.path.join(folder, "sync"), os.O_RDWR | os.O_CREAT)
    begun, count = time.monotonic(), 0
    while time.monotonic() - begun < 1:
        os.pwrite(fd, b"x" * 4096, 0)
        os.fdatasync(fd)
        count += 1
    os.close(fd)
    return count
