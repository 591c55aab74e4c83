"""An issuer of signed tokens: its keys at an address on loopback, and tokens as it signs them, or as a forger would."""

import base64
import hashlib
import hmac
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

LOGOUT_TYPE = "global-token-revocation+jwt"


def b64(data):
    """base64url without padding, of bytes or of a JSON value."""
    raw = data if isinstance(data, bytes) else json.dumps(data).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def number(value):
    """An integer as a JSON Web Key has it."""
    return b64(value.to_bytes((value.bit_length() + 7) // 8, "big"))


class Issuer:
    """Keys by kid; what was asked of its address is in `asked`."""

    def __init__(self, name="https://acme.okta.test"):
        self.name = name
        self.keys = {}
        self.asked = []
        self.status = 200
        self.counter = 0
        self.new_key("k1")
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def _handler(self):
        issuer = self

        class Handler(BaseHTTPRequestHandler):
            """Answers every path with the keys."""

            def do_GET(self):  # pylint: disable=invalid-name
                """The set of keys."""
                issuer.asked.append(self.path)
                body = json.dumps(issuer.jwks()).encode()
                self.send_response(issuer.status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format, *args):  # pylint: disable=redefined-builtin
                """Quiet."""

        return Handler

    @property
    def url(self):
        """Where its keys are."""
        return f"http://127.0.0.1:{self.server.server_address[1]}/keys"

    def stop(self):
        """Nobody answers there any more."""
        self.server.shutdown()
        self.server.server_close()

    def new_key(self, kid):
        """From now on it signs with this one, too."""
        self.keys[kid] = rsa.generate_private_key(public_exponent=65537, key_size=2048)

    def jwks(self):
        """The public keys."""
        return {"keys": [{"kty": "RSA", "kid": kid, "use": "sig", "alg": "RS256",
                          "e": number(key.public_key().public_numbers().e),
                          "n": number(key.public_key().public_numbers().n)} for kid, key in self.keys.items()]}

    def claims(self, audience, **more):
        """Good ones, with a jti of their own; None takes a claim away."""
        self.counter += 1
        now = int(time.time())
        values = {"iss": self.name, "aud": audience, "iat": now, "exp": now + 300, "jti": f"j{self.counter}", **more}
        return {name: value for name, value in values.items() if value is not None}

    def sign(self, claims, key=None, **header):
        """A token; `header` replaces or (None) takes away what its header says."""
        values = {"alg": "RS256", "kid": "k1", "typ": LOGOUT_TYPE, **header}
        values = {name: value for name, value in values.items() if value is not None}
        text = f"{b64(values)}.{b64(claims)}"
        key = key or self.keys[values.get("kid") if values.get("kid") in self.keys else "k1"]
        return f"{text}.{b64(key.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256()))}"

    def sign_with_public_key(self, claims):
        """HS256 keyed with what everybody can read."""
        text = f"{b64({'alg': 'HS256', 'kid': 'k1', 'typ': LOGOUT_TYPE})}.{b64(claims)}"
        return f"{text}.{b64(hmac.new(json.dumps(self.jwks()).encode(), text.encode(), hashlib.sha256).digest())}"
