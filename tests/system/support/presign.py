"""Many SAML responses at once: signed on all processors, before they are needed."""

import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor

from lab import saml

CHUNK = 50


class _Keys:
    """A pair's PEM texts: a key object does not travel between processes."""

    def __init__(self, pair):
        self.key, self.certificate = pair.key_pem(), pair.certificate_pem()

    def key_pem(self):
        """As keys.Pair."""
        return self.key

    def certificate_pem(self):
        """As keys.Pair."""
        return self.certificate


def _sign_some(pair, statements, response, assertion):
    signing = saml.Signing(response=response, assertion=assertion)
    return [saml.encoded(saml.signed(says, pair, signing)) for says in statements]


def sign_all(pair, statements, response=True, assertion=True):
    """The SAMLResponse field of each statement, in order."""
    parts = [statements[start:start + CHUNK] for start in range(0, len(statements), CHUNK)]
    # spawn: this process has threads, and a fork of it would hold their locks
    with ProcessPoolExecutor(os.cpu_count(), multiprocessing.get_context("spawn")) as pool:
        made = pool.map(_sign_some, [_Keys(pair)] * len(parts), parts, [response] * len(parts),
                        [assertion] * len(parts))
        return [field for part in made for field in part]
