"""Rows of the SSO face at the edge: idle connections and large bodies, beside nginx."""
import os
import re
import socket
import ssl
import subprocess
import threading
import time

from measure import say, wrk
from peers import Provgate, certificate, nginx, nginx_proxy, origin

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
