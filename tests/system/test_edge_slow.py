"""Peers that are slow or odd before HTTP, at the real limits (C1, C2, C4, C6)."""

import socket
import ssl
import struct
import subprocess
import threading
import time
import unittest

from lab import rawhttp
from support.case import is_long
from support.edge import ONE, EdgeCase

HEAD_S, IDLE_S, SLACK_S = 15, 45, 6
HELLO = bytes.fromhex("16030100c8010000c40303")
UNFINISHED = b"\x80\x2e\x01\x00\x02"


@unittest.skipUnless(is_long(), "45 s at the real limits: --long; tests/unit/http does the same with shorter ones")
class Slow(EdgeCase):
    """Each row holds a connection and moves as little as it can; all run at once."""

    timeout_s = 150

    def plain(self):
        """A TCP connection to the sso listener."""
        sock = socket.create_connection(("127.0.0.1", self.port("sso")), timeout=IDLE_S + 30)
        self.addCleanup(sock.close)
        return sock

    def shaken(self):
        """A TLS connection to the sso face."""
        return self.shake("sso", ONE)

    @staticmethod
    def lasted(sock, drip, interval_s, limit_s):
        """Seconds until an answer (None) and until the peer ends it, while one byte of `drip` leaves every interval."""
        begun, sent, answered = time.monotonic(), 0, None
        sock.settimeout(interval_s)
        while time.monotonic() - begun < limit_s:
            try:
                if not sock.recv(65536):
                    break
                answered = answered or time.monotonic() - begun
            except (TimeoutError, ssl.SSLWantReadError):
                try:
                    sock.sendall(drip[sent:sent + 1])
                    sent += 1
                except OSError:
                    break
            except OSError:
                break
        return answered, time.monotonic() - begun

    def rows(self):
        """name: (socket, what is said at once, what drips, seconds it may last)."""
        host = ONE.encode()
        head = b"GET /api/me HTTP/1.1\r\nHost: " + host + b"\r\n"
        post = b"POST /upload HTTP/1.1\r\nHost: " + host + b"\r\n"
        return {
            "C2 no ClientHello": (self.plain(), b"", b"", HEAD_S),
            "C2 half a ClientHello": (self.plain(), HELLO, b"", HEAD_S),
            "C2 ClientHello drip": (self.plain(), b"", HELLO + bytes(200), HEAD_S),
            "C1 nothing sent": (self.shaken(), b"", b"", HEAD_S),
            "C1 head drip": (self.shaken(), b"", head + b"X-A: " + b"a" * 200, IDLE_S - SLACK_S),  # 408 after HEAD_S
            "C1 body drip": (self.shaken(), post + b"Content-Length: 1000\r\n\r\n", b"b" * 200, IDLE_S),
            "C1 chunk drip": (self.shaken(), post + b"Transfer-Encoding: chunked\r\n\r\n", b"000000000000005" * 20,
                              IDLE_S),
            "C1 idle keep-alive": (self.shaken(), head + b"\r\n", b"", IDLE_S),
        }

    def test_c1_c2_slow_peers_are_ended_in_time(self):
        rows, took, threads = self.rows(), {}, []

        def run(name, sock, first, drip, limit_s):
            if first:
                sock.sendall(first)
            took[name] = (*self.lasted(sock, drip, 1.0, IDLE_S + SLACK_S + 10), limit_s)

        for name, row in rows.items():
            threads.append(threading.Thread(target=run, args=(name, *row)))
            threads[-1].start()
        for _ in range(10):
            self.assertEqual(self.status_by_http1("sso", ONE, ONE, "/static/1k").status, 200)
        for thread in threads:
            thread.join()
        print({name: round(seconds, 1) for name, (_, seconds, _) in took.items()})
        for name, (_, seconds, limit_s) in took.items():
            with self.subTest(name):
                self.assertLess(seconds, limit_s + SLACK_S)
        self.assertLess(took["C1 head drip"][0], HEAD_S + SLACK_S)


class Handshakes(EdgeCase):
    """What may be agreed on (C4), and what a client cannot ask for (C6)."""

    def shake_with(self, *words):
        """openssl s_client's answer."""
        command = ["openssl", "s_client", "-connect", f"127.0.0.1:{self.port('sso')}", "-servername", ONE, *words]
        done = subprocess.run(command, input=b"", capture_output=True, timeout=30, check=False)
        return (done.stdout + done.stderr).decode("utf-8", "replace")

    def test_c4_versions_and_suites(self):
        for words in (["-tls1"], ["-tls1_1"]):
            self.assertIn("Cipher is (NONE)", self.shake_with(*words, "-cipher", "DEFAULT@SECLEVEL=0"))
        for cipher in ("AES128-SHA", "AES256-GCM-SHA384", "ECDHE-RSA-AES128-SHA", "ECDHE-RSA-AES256-SHA384",
                       "DHE-RSA-AES128-GCM-SHA256", "AECDH-AES128-SHA", "ECDHE-RSA-NULL-SHA"):
            with self.subTest(cipher):
                text = self.shake_with("-tls1_2", "-cipher", f"{cipher}@SECLEVEL=0")
                self.assertIn("Cipher is (NONE)", text)
        for words in (["-tls1_2"], ["-tls1_3"]):
            text = self.shake_with(*words)
            self.assertNotIn("Cipher is (NONE)", text)
            self.assertIn("Compression: NONE", text)
            self.assertIn("Secure Renegotiation IS" + (" supported" if words == ["-tls1_2"] else ""), text)

    def test_c6_renegotiation_is_refused_and_early_data_is_off(self):
        command = ["openssl", "s_client", "-connect", f"127.0.0.1:{self.port('sso')}", "-servername", ONE, "-tls1_2"]
        done = subprocess.run(command, input=b"R\n", capture_output=True, timeout=60, check=False)
        text = (done.stdout + done.stderr).decode("utf-8", "replace")
        after = text.partition("RENEGOTIATING")[2]
        self.assertIn("error:", after)
        self.assertNotIn("verify return", after)
        self.assertNotIn("Max Early Data: 1", self.shake_with("-tls1_3"))
        self.assertEqual(self.status_by_http1("sso", ONE, ONE, "/static/1k").status, 200)

    def test_c5_junk_before_tls_does_no_harm(self):
        junk = [b"GET / HTTP/1.1\r\n\r\n", b"PROXY TCP4 1.2.3.4 1.2.3.4 1 2\r\n", bytes(500),
                HELLO[:3] + struct.pack(">H", 65535) + bytes(100), b"\x15\x03\x01\x00\x02\x02\x28"]
        if is_long():  # more of it may follow: it has its whole time, like the half ClientHello of C2
            junk.append(UNFINISHED)
        strangers = []
        for data in junk:
            strangers.append(rawhttp.Connection("127.0.0.1", self.port("sso"), timeout=HEAD_S + 10))
            self.addCleanup(strangers[-1].close)
            strangers[-1].send(data)
        for data, stranger in zip(junk, strangers):
            with self.subTest(data[:20]):
                self.assertTrue(stranger.closed_within(HEAD_S + SLACK_S))
        self.assertEqual(self.status_by_http1("sso", ONE, ONE, "/static/1k").status, 200)
