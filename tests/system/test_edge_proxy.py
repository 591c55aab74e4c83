"""A balancer in front that says whom it speaks for (PROXY protocol), over TLS, against the real binary."""

import socket
import struct

from lab import rawhttp
from lab.gateway import free_ports
from support.edge import ONE, PROV, EdgeCase

BINARY = b"\r\n\r\n\0\r\nQUIT\n"


def text_header(address):
    """Version 1."""
    return f"PROXY TCP4 {address} 198.51.100.1 51234 443\r\n".encode()


def binary_header(address):
    """Version 2, with a TLV."""
    addresses = socket.inet_aton(address) + socket.inet_aton("198.51.100.1") + struct.pack(">HH", 51234, 443)
    body = addresses + b"\x01\x00\x02h2"
    return BINARY + b"\x21\x11" + struct.pack(">H", len(body)) + body


class Proxied(EdgeCase):
    """Both faces behind a balancer on this machine; prov is open to one network."""

    @classmethod
    def configure(cls, values):
        """The lab's own look at the sso face speaks no PROXY protocol: a second listener has it."""
        super().configure(values)
        first = values["sso"]["listen"][0]
        cls.proxied_port = free_ports(1)[0]
        values["sso"]["listen"].append({"address": f"127.0.0.1:{cls.proxied_port}", "tls": first["tls"],
                                        "proxy_protocol": {"from": ["127.0.0.0/8"]}})
        values["prov"]["listen"][0].update({"allow_from": ["203.0.113.0/24"],
                                            "proxy_protocol": {"from": ["127.0.0.1"]}})

    def ask(self, port, header, name, path, source="127.0.0.1"):
        """The answer to one request behind a header; None when the connection ended instead."""
        raw = socket.create_connection(("127.0.0.1", port), timeout=60, source_address=(source, 0))
        self.addCleanup(raw.close)
        connection = rawhttp.Connection.__new__(rawhttp.Connection)
        try:
            raw.sendall(header)
            connection.sock = self.context().wrap_socket(raw, server_hostname=name)
            connection.reader = rawhttp.wire.Reader(connection.sock)
            fields = [("Host", name), ("Authorization", f"Bearer {self.world.token}")]
            return connection.exchange("GET", path, fields)
        except OSError:
            return None

    def test_the_address_told_is_what_the_app_sees(self):
        for header in (text_header("192.0.2.7"), binary_header("192.0.2.7")):
            answer = self.ask(self.proxied_port, header, ONE, "/echo")
            self.assertEqual(answer.status, 200)
            self.assertIn(b"192.0.2.7", answer.body)
            self.assertNotIn(b"127.0.0.1,", answer.body)

    def test_without_a_good_header_nothing_is_served(self):
        for header in (b"", b"PROXY TCP4 192.0.2.7 198.51.100.1 51234\r\n", b"PROXY TCP4 192.0.2.7\r\n",
                       BINARY + b"\x21\x12\0\0", BINARY + b"\x21\x11\0\4abcd"):
            with self.subTest(header):
                self.assertIsNone(self.ask(self.proxied_port, header, ONE, "/static/10"))

    def test_a_header_from_a_peer_that_is_not_listed_is_refused(self):
        port = self.port("prov")
        self.assertIsNone(self.ask(port, text_header("203.0.113.9"), PROV, "/scim/v2/Users", source="127.0.0.2"))

    def test_allow_from_judges_the_address_told(self):
        port = self.port("prov")
        self.assertEqual(self.ask(port, text_header("203.0.113.9"), PROV, "/scim/v2/Users").status, 200)
        self.assertIsNone(self.ask(port, text_header("192.0.2.7"), PROV, "/scim/v2/Users"))
        self.assertIsNone(self.ask(port, b"PROXY UNKNOWN\r\n", PROV, "/scim/v2/Users"))
