"""Credentials of the PROV face from outside (security.md D2, D4, D6, D7, D8)."""

import socket
import ssl
import statistics
import subprocess
import threading
import time
import unittest
from pathlib import Path

from lab import keys, rawhttp
from lab.gateway import GatewayError, wait_until
from support.case import WorldCase, content_of, is_long

FLOOD_S = 3.0
FLOODERS = 4


class Credentials(WorldCase):
    """One world for all that leaves its configuration alone."""

    def status(self, token, path="/Users"):
        """The status of one GET with that bearer."""
        return rawhttp.fetch(self.world.prov_url + path, headers=[("Authorization", f"Bearer {token}")]).status

    def test_D4_a_flood_of_wrong_credentials_locks_nobody_out(self):
        stop, seen = threading.Event(), []

        def flood():
            while not stop.is_set():
                seen.append(self.status("wrong"))

        threads = [threading.Thread(target=flood, daemon=True) for _ in range(FLOODERS)]
        for thread in threads:
            thread.start()
        try:
            end = time.monotonic() + FLOOD_S
            while time.monotonic() < end:
                self.assertEqual(self.status(self.world.token), 200)
        finally:
            stop.set()
            for thread in threads:
                thread.join(60)
        self.assertLessEqual(set(seen), {401, 429})

    def test_D8_a_secret_is_nowhere_but_with_its_owner(self):
        token = self.world.token.encode()
        for pid in (self.world.gateway.pid, self.world.gateway.child("sso"), self.world.gateway.child("prov")):
            for name in ("cmdline", "environ"):
                self.assertNotIn(token, Path(f"/proc/{pid}/{name}").read_bytes())
        self.assertEqual(self.status(self.world.token), 200)
        self.assertEqual(self.status(self.world.token[:-1] + "x"), 401)
        for path in self.world.folder.rglob("*"):
            if path.is_file() and not path.is_symlink():
                self.assertNotIn(token, content_of(path), path)

    @unittest.skipUnless(is_long(), "a measurement: --long")
    def test_D2_the_first_byte_of_a_secret_takes_no_measurable_time(self):
        token = self.world.token
        wrong = {"first byte right": token[0] + "x" * (len(token) - 1), "all but the last": token[:-1] + "!",
                 "nothing right": "x" * len(token)}
        times = {name: [] for name in wrong}
        with rawhttp.Connection.to(self.world.prov_url) as connection:
            for _ in range(60):  # below the count from which refusals are held back
                for name, value in wrong.items():
                    begun = time.perf_counter()
                    answer = connection.exchange("GET", "/scim/v2/Users", [
                        ("Host", self.world.prov_url.split("/")[2]), ("Authorization", f"Bearer {value}")])
                    times[name].append(time.perf_counter() - begun)
                    self.assertEqual(answer.status, 401)
        medians = [statistics.median(values) for values in times.values()]
        self.assertLess(max(medians), 1.25 * min(medians), times.keys())


class Allowed(WorldCase):
    """The PROV listener takes nobody from loopback."""

    @staticmethod
    def configure(values):
        """A range in which this machine is not."""
        values["prov"]["listen"][0]["allow_from"] = ["203.0.113.0/24"]

    def test_D6_an_address_that_is_not_allowed_is_refused_before_http(self):
        host, port = self.world.prov_url.split("/")[2].split(":")
        request = (f"GET /scim/v2/Users HTTP/1.1\r\nHost: {host}:{port}\r\n"
                   f"Authorization: Bearer {self.world.token}\r\n\r\n")
        with socket.create_connection((host, int(port)), timeout=60) as peer:
            try:
                peer.sendall(request.encode())
                self.assertEqual(peer.recv(4096), b"")
            except ConnectionError:
                pass
        self.assertEqual(rawhttp.fetch(self.world.admin_url + "/healthz").status, 200)


class BadFiles(WorldCase):
    """Tokens files that must stop a start."""

    SECRET = "hunter2hunter2hunter2"

    def test_D7_a_bad_tokens_file_stops_the_start_and_names_the_file_alone(self):
        path = self.world.folder / "wiki-tokens"
        good = path.read_text()
        self.assertEqual(self.world.gateway.stop(), 0)

        def put(text, mode=0o600):
            path.unlink(missing_ok=True)
            if text is not None:
                path.write_text(text)
                path.chmod(mode)

        for name, text, mode in (("missing", None, 0), ("empty", "", 0o600), ("only a note", "# none\n", 0o600),
                                 ("everybody may read it", good, 0o644), ("a bare secret", self.SECRET + "\n", 0o600),
                                 ("no line end", good + "okta2 bearer " + self.SECRET, 0o600),
                                 ("an empty line", good + "\n", 0o600)):
            with self.subTest(name):
                put(text, mode)
                done = subprocess.run([str(self.world.gateway.binary), "run", "--config", str(self.world.config)],
                                      capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL, check=False)
                said = done.stdout + done.stderr
                self.assertNotEqual(done.returncode, 0)
                self.assertIn(str(path), said)
                self.assertNotIn(self.SECRET, said)
                with self.assertRaises(GatewayError):
                    self.world.gateway.command("check")
        put(good)
        self.world.gateway.start()


class ClientCertificates(WorldCase):
    """A certificate instead of a secret."""

    tls = True

    @classmethod
    def setUpClass(cls):
        """The authority of the clients must be there before provgate starts."""
        cls.authority = keys.make("clients", authority=True)
        cls.configure = cls.ask
        super().setUpClass()

    @classmethod
    def ask(cls, values):
        """The PROV listener asks for certificates, and takes a connection without one too."""
        folder = Path(values["store"]["path"]).parent
        path, _ = cls.authority.write(folder, "clients")
        values["prov"]["listen"][0]["tls"].update(client_ca=str(path), client_certificates="optional")

    def context(self, name):
        """A client's TLS with a certificate of its own."""
        context = ssl.create_default_context(cafile=str(self.world.folder / "ca.pem"))
        if name:
            pair = keys.make(name, issuer=self.authority).write(self.world.folder, name)
            context.load_cert_chain(*map(str, pair))
        return context

    def get(self, context, headers=()):
        """The status of one GET."""
        return rawhttp.fetch(self.world.prov_url + "/Users", headers=headers, tls=context).status

    def test_a_listed_certificate_is_a_credential_and_another_of_the_same_authority_is_none(self):
        mine, other, none = self.context("agent"), self.context("other"), self.context(None)
        self.assertEqual(self.get(mine), 401)
        self.world.gateway.command("token", "new", "--app", "wiki", "--name", "agent", "--kind", "mtls",
                                   "--certificate", str(self.world.folder / "agent.pem"))
        wait_until(lambda: self.get(mine) == 200, 30, "the new credential counts")
        self.assertEqual(self.get(other), 401)
        self.assertEqual(self.get(none), 401)
        self.assertEqual(self.get(mine, [("Authorization", "Bearer wrong")]), 401)
        self.assertEqual(self.get(none, [("Authorization", f"Bearer {self.world.token}")]), 200)
        self.world.gateway.command("token", "revoke", "--app", "wiki", "--name", "agent")
        wait_until(lambda: self.get(mine) == 401, 30, "the revoked credential is dead")
