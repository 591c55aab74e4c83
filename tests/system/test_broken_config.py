"""Configurations that are wrong in one way each (security.md M4): start and `check` end with status 2 and one line
FILE:LINE:COLUMN: KEY: reason. And the default one alone, which passes (M5)."""

import datetime
import re
import socket
import subprocess

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa

from lab import keys, yamltext
from lab.gateway import free_ports
from support.case import WorldCase


def at(values, path):
    """What stands at a path such as "apps.0.sso"; a missing mapping is made."""
    for word in path.split(".") if path else []:
        if isinstance(values, list):
            values = values[int(word)]
        else:
            values = values.setdefault(word, {})
    return values


def put(path, value):
    """A change that writes one value."""
    head, _, last = path.rpartition(".")

    def change(values):
        place = at(values, head)
        place[int(last) if isinstance(place, list) else last] = value
    return change


def drop(path):
    """A change that leaves one key out."""
    head, _, last = path.rpartition(".")
    return lambda values: at(values, head).pop(last)


def add(path, entry):
    """A change that adds to a list."""
    return lambda values: at(values, path).append(entry(values) if callable(entry) else entry)


def same_app(values, **changes):
    """A second app like the first, but for what is told."""
    app = values["apps"][0]
    return {**app, "name": "other", "sso": {**app["sso"], "hosts": ["other.example.com"]},
            "prov": {**app["prov"], "hosts": ["other-prov.example.com"]}, **changes}


SAML = "apps.0.sso.identity.0.saml"

# (what is wrong, change, the key that is named, a word of the reason). A change may also be the file's text.
ROWS = [
    ("a value to record that is no attribute", put("activity.values", ["titel"]), "activity.values[0]",
     "did you mean title?"),
    ("a value to record that is a secret", put("activity.values", ["title", "password"]), "activity.values[1]",
     "never returned"),
    ("unknown key", put("apps.0.sso.unlinked", "pass"), "apps[0].sso.unlinked", "did you mean"),
    ("unknown key at the top", put("stor", {}), "stor", "did you mean store"),
    ("unknown key in a listener", put("sso.listen.0.adress", "127.0.0.1:1"), "sso.listen[0].adress", "did you mean"),
    ("key given twice", "store: {path: a}\nstore: {path: b}\n", "store", "twice"),
    ("text for a number", put("sso.workers", "many"), "sso.workers", ""),
    ("number out of range", put("sso.workers", 100000), "sso.workers", ""),
    ("list for a text", put("store.path", ["a"]), "store.path", ""),
    ("text for a list", put("apps.0.sso.hosts", {"a": "b"}), "apps[0].sso.hosts", ""),
    ("mapping for a list", put("apps", {"name": "wiki"}), "apps", ""),
    ("text for a mapping", put("apps.0.prov", "on"), "apps[0].prov", ""),
    ("not a switch", put("apps.0.prov.enabled", "perhaps"), "apps[0].prov.enabled", ""),
    ("not a word", put("apps.0.sso.unbound", "maybe"), "apps[0].sso.unbound", "known are"),
    ("size without a number", put("store.max_size", "big"), "store.max_size", ""),
    ("size that is too small", put("store.max_size", "1KiB"), "store.max_size", ""),
    ("time without a unit", put("drain_timeout", 5), "drain_timeout", ""),
    ("no store", drop("store"), "store", ""),
    ("no path", drop("store.path"), "store.path", ""),
    ("no apps", put("apps", []), "apps", ""),
    ("no name", drop("apps.0.name"), "apps[0].name", ""),
    ("no upstream", drop("apps.0.sso.upstream"), "apps[0].sso.upstream", ""),
    ("bad URL of the app", put("apps.0.sso.upstream.url", "ftp://app"), "apps[0].sso.upstream.url", ""),
    ("URL with a user", put("apps.0.sso.upstream.url", "http://me:pw@app"), "apps[0].sso.upstream.url", ""),
    ("bad external URL", put("apps.0.sso.external_url", "wiki.example.com"), "apps[0].sso.external_url", ""),
    ("bad host", put("apps.0.sso.hosts.0", "not a host"), "apps[0].sso.hosts[0]", ""),
    ("two apps, one host", add("apps", lambda v: same_app(v, sso=v["apps"][0]["sso"])), "apps[1].sso.hosts[0]", ""),
    ("two apps, one name", add("apps", lambda v: same_app(v, name="wiki")), "apps[1].name", ""),
    ("no host name for prov", put("apps.0.prov.hosts", []), "apps[0].prov.hosts", ""),
    ("bad address", put("sso.listen.0.address", "somewhere"), "sso.listen[0].address", ""),
    ("port too large", put("sso.listen.0.address", "127.0.0.1:99999"), "sso.listen[0].address", ""),
    ("one address for two faces", lambda v: put("prov.listen.0.address", v["sso"]["listen"][0]["address"])(v),
     "prov.listen[0].address", ""),
    ("one address twice", add("sso.listen", lambda v: v["sso"]["listen"][0]), "sso.listen[1].address", ""),
    ("bad range", put("prov.listen.0.allow_from", ["10.0.0.0/99"]), "prov.listen[0].allow_from[0]", ""),
    ("no IdP certificate", put(SAML + ".idp_certificates", []), "apps[0].sso.identity[0].saml.idp_certificates", ""),
    ("IdP certificate missing", put(SAML + ".idp_certificates.0", "nowhere.pem"),
     "apps[0].sso.identity[0].saml.idp_certificates[0]", "cannot be read"),
    ("no audience", drop(SAML + ".audience"), "apps[0].sso.identity[0].saml.audience", ""),
    ("bad ACS path", put(SAML + ".acs.0", "saml/acs"), "apps[0].sso.identity[0].saml.acs[0]", ""),
    ("no credentials file", put("apps.0.prov.tokens_file", "nowhere"), "apps[0].prov.tokens_file", ""),
    ("a credentials file without a credential", put("apps.0.prov.tokens_file", "empty-tokens"),
     "apps[0].prov.tokens_file", "holds no credential"),
    ("credentials that everybody may read", put("apps.0.prov.tokens_file", "open-tokens"),
     "apps[0].prov.tokens_file", ""),
    ("certificate missing", put("sso.listen.0.tls.certificate", "nowhere.pem"), "sso.listen[0].tls.certificate",
     "cannot be read"),
    ("certificate expired", put("sso.listen.0.tls", {"certificate": "expired.pem", "key": "expired.key"}),
     "sso.listen[0].tls.certificate", "expired"),
    ("weak key", put("sso.listen.0.tls", {"certificate": "weak.pem", "key": "weak.key"}),
     "sso.listen[0].tls.certificate", "weak"),
    ("key of another certificate", put("sso.listen.0.tls.key", "other.key"), "sso.listen[0].tls.key",
     "does not belong"),
    ("key that everybody may read", put("sso.listen.0.tls.key", "open.key"), "sso.listen[0].tls.key", "everybody"),
    ("not YAML", "store: [\n", "yaml", ""),
    ("empty", "", "", "empty"),
    ("an alias", "store: &a {path: x}\nsso: *a\n", "", ""),
]


def write_pair(folder, name, bits=2048, days=30):
    """A self-signed certificate that is wrong in some way, and its key."""
    key = rsa.generate_private_key(65537, bits)
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.timezone.utc)
    certificate = (x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(key.public_key())
                   .serial_number(x509.random_serial_number()).not_valid_before(now - datetime.timedelta(days=60))
                   .not_valid_after(now + datetime.timedelta(days=days)).sign(key, hashes.SHA256()))
    keys.Pair(key, certificate).write(folder, name)


class Broken(WorldCase):
    """One configuration after another beside a sound one."""

    tls = True

    def setUp(self):
        """The files that the rows name; provgate does not run, so that its ports are free."""
        self.world.gateway.stop()
        folder = self.world.folder
        write_pair(folder, "expired", days=-1)
        write_pair(folder, "weak", bits=1024)
        write_pair(folder, "other")
        for name, text, mode in (("empty-tokens", b"", 0o600), ("open.key", (folder / "sso.key").read_bytes(), 0o644),
                                 ("open-tokens", (folder / "wiki-tokens").read_bytes(), 0o666)):
            (folder / name).write_bytes(text)
            (folder / name).chmod(mode)
        self.file = folder / "broken.yaml"

    def provgate(self, *words):
        """Run a command on the broken configuration."""
        return subprocess.run([str(self.world.gateway.binary), *words, "--config", str(self.file)], text=True,
                              capture_output=True, timeout=60, check=False)

    def expect_one_line(self, done, output, key, reason):
        """Status 2, and one line that is no warning."""
        self.assertEqual(done.returncode, 2, done)
        lines = [line for line in output.splitlines() if line.startswith(str(self.file) + ":")
                 and not line.endswith("warnings")]
        self.assertEqual(len(lines), 1, output)
        self.assertRegex(lines[0], rf"^{re.escape(str(self.file))}:[1-9]\d*:[1-9]\d*: {re.escape(key)}")
        self.assertIn(reason, lines[0])

    def test_m4_start_and_check_name_the_line_and_the_key(self):
        self.assertGreaterEqual(len(ROWS), 40)
        for name, change, key, reason in ROWS:
            with self.subTest(name):
                values = yamltext_copy(self.world.values)
                if isinstance(change, str):
                    self.file.write_text(change)
                else:
                    change(values)
                    self.file.write_text(yamltext.dump(values))
                done = self.provgate("check")
                self.expect_one_line(done, done.stdout, key, reason)
                done = self.provgate("run")
                self.expect_one_line(done, done.stderr, key, reason)

    def test_m4_a_port_in_use_is_said_at_the_start(self):
        values = yamltext_copy(self.world.values)
        port = free_ports(1)[0]
        values["sso"]["listen"][0]["address"] = f"127.0.0.1:{port}"
        self.file.write_text(yamltext.dump(values))
        with socket.create_server(("127.0.0.1", port)):
            done = self.provgate("run")
        self.expect_one_line(done, done.stderr, "sso.listen[0].address", "in use")

    def test_m5_the_example_alone_has_no_error_but_its_missing_files(self):
        values = self.provgate_init()
        findings = [line for line in values.splitlines() if "/example.yaml:" in line]
        self.assertTrue(findings)
        for line in findings:
            self.assertRegex(line, r"cannot be read|no credential|unbound: pass|does not act on it yet|no tokens file|"
                                   r"closed except|errors, |gate: observe", line)

    def provgate_init(self):
        """What `check` says of the configuration that `init` writes."""
        self.file = self.world.folder / "example.yaml"
        self.provgate("init")
        self.assertTrue(self.file.exists())
        done = self.provgate("check")
        self.assertEqual(done.returncode, 2)
        return done.stdout

    def tearDown(self):
        """Everybody finds provgate running."""
        self.world.gateway.start()


def yamltext_copy(values):
    """A deep copy of plain values."""
    if isinstance(values, dict):
        return {key: yamltext_copy(value) for key, value in values.items()}
    return [yamltext_copy(value) for value in values] if isinstance(values, list) else values
