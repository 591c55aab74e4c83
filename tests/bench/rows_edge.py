"""Rows of the SSO face at the edge: idle connections and large bodies, beside nginx."""
import json
import os
import re
import socket
import ssl
import subprocess
import threading
import time

from measure import paced, say, wrk
from peers import BODY, RSA, Provgate, certificate, free_port, nginx, nginx_proxy, origin

READERS, READER_BYTES_PER_S, READER_MIB = 200, 1024, 100  # C3
HANDSHAKES_PER_S = 200  # C9
HONEST_PER_S, HONEST_CONNECTIONS = 500, 8
BACK_S = 90

CURL = ["curl", "-s", "-S", "-k", "-o", "/dev/null", "-w", "%{http_code} %{size_download} %{size_upload} %{time_total}"]


def connect(port, count):
    """So many TLS connections after a first request, which is answered."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols(["http/1.1"])
    held = []
    for _ in range(count):
        connection = context.wrap_socket(socket.create_connection(("127.0.0.1", port)))
        connection.sendall(f"GET / HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode())
        got = b""
        while b"x" * 1024 not in got:
            got += connection.recv(4096)
        held.append(connection)
    return held


class Sink(threading.Thread):
    """An app that reads each body to its end before it answers. Some clients stop sending at an early answer."""

    def __init__(self):
        super().__init__(daemon=True)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]

    def run(self):
        while True:
            peer, _ = self.listener.accept()
            threading.Thread(target=self.serve, args=(peer,), daemon=True).start()

    @staticmethod
    def serve(peer):
        room, data = bytearray(1 << 20), b""
        while True:
            while b"\r\n\r\n" not in data:
                got = peer.recv(65536)
                if not got:
                    return
                data += got
            head, _, data = data.partition(b"\r\n\r\n")
            length = re.search(rb"(?i)content-length: *(\d+)", head)
            left = int(length.group(1)) - len(data) if length else 0
            while left > 0:
                got = peer.recv_into(room)
                if not got:
                    return
                left -= got
            data = b""
            peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")


def bench_idle(options, folder, report):
    """Private memory for each idle TLS connection, and what others notice."""
    app, tls = origin(folder), certificate(folder)
    gate = Provgate("provgate", folder, options.binary, options.tools, app.port, 1, tls=tls)
    web = nginx_proxy(folder, app.port, 1, tls)
    say(f"\n{options.idle} idle TLS connections (HTTP/1.1, each after one request), 1 worker")
    report["idle"] = {}
    for peer in (web, gate):
        url, words = f"https://127.0.0.1:{peer.port}/", ("sso.lua", 0, f"127.0.0.1:{peer.port}")
        quiet = wrk(url, 16, options.seconds, *words)
        before = peer.private_kib()
        held = connect(peer.port, options.idle)
        time.sleep(5)  # buffers that are not needed have been given back by then
        each = (peer.private_kib() - before) / len(held)
        busy = wrk(url, 16, options.seconds, *words)
        report["idle"][peer.name] = {"kib_each": each, "p99_quiet": quiet["p99"], "p99_idle": busy["p99"]}
        say(f"  {peer.name:34} {each:6.1f} KiB each  p99 {quiet['p99']:.2f} -> {busy['p99']:.2f} ms")
        for connection in held:
            connection.close()
    for peer in (gate, web, app):
        peer.stop()


def transfer(peer, words, url, size):
    """One body with curl."""
    cpu = peer.cpu_seconds()
    peer.forget_peak()
    code, down, up, seconds = subprocess.run(
        CURL + words + [url], capture_output=True, text=True, check=True
    ).stdout.split()
    moved = int(down) + int(up)
    return {
        "mb_s": moved / float(seconds) / 1e6,
        "cpu_s": peer.cpu_seconds() - cpu,
        "peak_mib": peer.peak_kib() / 1024,
        "whole": float(code == "200" and moved >= size),
    }


def bench_bodies(options, folder, report):
    """One large download and one large upload, with the peer's CPU seconds and the most memory it held."""
    size, tls, sink = options.gib << 30, certificate(folder), Sink()
    big = os.path.join(folder, "big")
    with open(big, "wb") as f:
        f.truncate(size)
    sink.start()
    source = nginx("source", folder, 1, f"location / {{ root {folder}; }}")
    bodies = (("download", source.port, []), ("upload", sink.port, ["-T", big, "-H", "Expect:"]))
    for title, port, words in bodies:
        for material, version in ((None, "--http1.1"), (tls, "--http1.1"), (tls, "--http2")):
            scheme, name = "https" if material else "http", f"{title}{'-tls' if material else ''}{version}"
            gate = Provgate("provgate-" + name, folder, options.binary, options.tools, port, 1, tls=material)
            web = nginx_proxy(folder, port, 1, material, unbuffered=True, name="nginx-" + name)
            rows = {}
            for peer in (web, gate):
                rows[peer.name] = transfer(peer, [version, *words], f"{scheme}://127.0.0.1:{peer.port}/big", size)
            report[name] = rows
            say(f"\n{options.gib} GiB {title}, {scheme} {version[2:]}, 1 worker")
            for peer_name, r in rows.items():
                whole = "" if r["whole"] else "  NOT WHOLE"
                say(
                    f"  {peer_name:34} {r['mb_s']:7.0f} MB/s  CPU {r['cpu_s']:.2f} s  "
                    f"resident at most {r['peak_mib']:.1f} MiB{whole}"
                )
            gate.stop()
            web.stop()
    source.stop()


def honest(options, port):
    """What a client with a steady pace sees on plain connections to the same workers."""
    return paced(options.tools, port, HONEST_PER_S, options.seconds, HONEST_CONNECTIONS, "get", 1)


class Burden:
    """bench_edge_load beside something else."""

    def __init__(self, options, port, *words):
        tool = os.path.join(options.tools, "bench_edge_load")
        argv = ["nice", "-n5", tool, str(port), f"127.0.0.1:{port}", *map(str, words)]
        self.process = subprocess.Popen(argv, stdout=subprocess.PIPE, text=True)
        if self.process.stdout.readline() != "ready\n":
            raise RuntimeError("bench_edge_load did not begin")

    def result(self):
        """Waits for its end."""
        return json.loads(self.process.communicate()[0])


def change(quiet, busy):
    """How the times of others changed."""
    return "  ".join(f"{key} {quiet[key]:.2f} -> {busy[key]:.2f} ms" for key in ("p50", "p99"))


def connections_to(port):
    """How many TCP connections are open to that port of this machine."""
    with open("/proc/net/tcp") as f:
        rows = [line.split() for line in f.readlines()[1:]]
    return sum(row[2].endswith(f":{port:04X}") and row[3] == "01" for row in rows)


def until_few(port, few, begun):
    """Seconds since `begun` until no more than that are open to the port; infinity: not in time."""
    while connections_to(port) > few:
        if time.monotonic() - begun > BACK_S:
            return float("inf")
        time.sleep(0.1)
    return time.monotonic() - begun


def edge_pair(options, folder, title, source, tls):
    """provgate and nginx with a plain listener and one with TLS, one worker each: (peer, plain port, TLS port)."""
    gate = Provgate("provgate-" + title, folder, options.binary, options.tools, source.port, 1, also_tls=tls)
    plain = free_port()
    proxy = "proxy_http_version 1.1; proxy_buffering off; proxy_set_header Connection \"\"; proxy_pass http://app; "
    web = nginx(
        "nginx-" + title,
        folder,
        1,
        f"listen 127.0.0.1:{plain}; location / {{ {proxy} }}",
        f"upstream app {{ server 127.0.0.1:{source.port}; keepalive 256; keepalive_requests 100000000; }}",
        tls,
    )
    return ((web, plain, web.port), (gate, gate.port, gate.tls_port))


def bench_slow(options, folder, report):
    """C3: readers of a large body at 1 KiB/s, and what they cost others and the peer's memory."""
    with open(os.path.join(folder, "big"), "wb") as f:
        f.truncate(READER_MIB << 20)
    source = nginx("source", folder, 1, f'location = / {{ return 200 "{BODY}"; }} location / {{ root {folder}; }}')
    say(f"\n{READERS} TLS readers of {READER_MIB} MiB at {READER_BYTES_PER_S} bytes/s; {HONEST_PER_S} others/s")
    report["slow"] = {}
    for peer, plain, secured in edge_pair(options, folder, "slow", source, certificate(folder)):
        quiet = honest(options, plain)
        kib, few = peer.private_kib(), connections_to(source.port)
        burden = Burden(options, secured, "read", "/big", READERS, READER_BYTES_PER_S, BACK_S)
        begun, cpu = time.monotonic(), peer.cpu_seconds()
        busy = honest(options, plain)
        cpu, grown = peer.cpu_seconds() - cpu, (peer.private_kib() - kib) / 1024
        back = until_few(source.port, few + HONEST_CONNECTIONS, begun)
        burden.process.terminate()
        report["slow"][peer.name] = {"quiet": quiet, "busy": busy, "mib": grown, "back_s": back}
        say(
            f"  {peer.name:20} {change(quiet, busy)}  +{grown:.1f} MiB  CPU {cpu:.2f} s"
            f"  connections to the app back after {back:.0f} s"
        )
        burden.process.wait()
        peer.stop()
    source.stop()


def bench_handshakes(options, folder, report):
    """C9: full handshakes with RSA signatures, and what they cost others."""
    app = origin(folder)
    say(f"\n{HANDSHAKES_PER_S} full RSA-2048 handshakes/s; {HONEST_PER_S} others/s, 1 worker")
    report["handshakes"] = {}
    for peer, plain, secured in edge_pair(options, folder, "handshakes", app, certificate(folder, RSA)):
        quiet, cpu = honest(options, plain), peer.cpu_seconds()
        burden = Burden(options, secured, "shake", HANDSHAKES_PER_S, options.seconds + 1)
        busy = honest(options, plain)
        done = burden.result()
        cpu = peer.cpu_seconds() - cpu
        rate = (done["opened"] - done["ended"]) / (options.seconds + 1)
        report["handshakes"][peer.name] = {"quiet": quiet, "busy": busy, "per_second": rate}
        say(
            f"  {peer.name:20} {change(quiet, busy)}  {rate:.0f} handshakes/s  CPU {cpu:.2f} s"
        )
        peer.stop()
    app.stop()
