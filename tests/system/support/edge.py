"""A world whose listeners have names and certificates of their own."""

import socket
import ssl
from pathlib import Path

from lab import http2, keys, rawhttp
from support.case import WorldCase

ONE, TWO, PROV = "one.lab.test", "two.lab.test", "prov.lab.test"


class EdgeCase(WorldCase):
    """TLS everywhere; the sso listener has a certificate for 127.0.0.1 and ONE, one for TWO; prov has its own."""

    tls = True

    @classmethod
    def configure(cls, values):
        """Adds names and certificates; called with the configuration before it is written."""
        folder = Path(values["store"]["path"]).parent
        cls.authority = keys.Pair.read(folder, "ca")
        cls.second = keys.make("two", [TWO], cls.authority).write(folder, "two")
        first = keys.make("one", ["127.0.0.1", ONE], cls.authority).write(folder, "one")
        prov = keys.make("prov", ["127.0.0.1", PROV], cls.authority).write(folder, "prov-named")
        values["sso"]["workers"] = 1
        values["sso"]["listen"][0]["tls"] = {"certificates": [
            {"certificate": str(path), "key": str(key)} for path, key in (first, cls.second)]}
        values["prov"]["listen"][0]["tls"] = {"certificate": str(prov[0]), "key": str(prov[1])}
        values["apps"][0]["sso"]["hosts"] += [ONE, TWO]
        values["apps"][0]["prov"]["hosts"] += [PROV]

    def port(self, face):
        """The port of a face."""
        url = self.world.sso_url if face == "sso" else self.world.prov_url
        return int(url.split("/")[2].rpartition(":")[2])

    def context(self, verifies=True):
        """A client's TLS; every test has its own."""
        context = ssl.create_default_context(cafile=str(self.folder / "ca.pem"))
        if not verifies:
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        return context

    def shake(self, face, name, context=None, session=None):
        """A TLS connection with this name in SNI (None: without)."""
        raw = socket.create_connection(("127.0.0.1", self.port(face)), timeout=60)
        self.addCleanup(raw.close)
        shaken = (context or self.context()).wrap_socket(raw, server_hostname=name, session=session)
        self.addCleanup(shaken.close)
        return shaken

    def status_by_http1(self, face, name, host, path="/api/me"):
        """What HTTP/1.1 answers to `host` on a connection that was opened for `name`."""
        with rawhttp.Connection("127.0.0.1", self.port(face), self.context(), name) as connection:
            fields = [("Host", host), ("Authorization", f"Bearer {self.world.token}")]
            return connection.exchange("GET", path, fields)

    def connect_http2(self, name):
        """An HTTP/2 connection to the sso face that was opened for `name`."""
        connection = http2.Connection(self.world.sso_url, self.context(), server_name=name)
        self.addCleanup(connection.close)
        return connection
