"""The command line: what is wrong is told in one line, with status 2, and nothing is started or made."""

import copy
import subprocess
import unittest

from lab import yamltext
from lab.gateway import binary_path
from lab.yamltext import Word
from support.case import WorldCase


def run(*words):
    """Run the binary; the completed process."""
    return subprocess.run([str(binary_path()), *words], capture_output=True, text=True, timeout=60,
                          stdin=subprocess.DEVNULL, check=False)


class Commands(unittest.TestCase):
    """Without a world."""

    def test_help_and_version(self):
        for words in (["--help"], ["version"], ["run", "--help"], ["check", "--help"], ["init", "--help"],
                      ["token", "--help"], ["-h"], ["help"], ["help", "import"]):
            with self.subTest(words):
                done = run(*words)
                self.assertEqual((done.returncode, done.stderr), (0, ""))
                self.assertTrue(done.stdout.strip())

    def test_an_empty_value_is_no_value(self):
        for words in (["activity", "--user", ""], ["user", "show", "--user="], ["policy", "match", "--name", ""]):
            self.assertIn("needs a value", run(*words).stderr)

    def test_wrong_usage_is_status_2(self):
        for words in ([], ["nonsense"], ["run", "--nonsense"], ["run", "--config"], ["token", "nonsense"],
                      ["version", "x"], ["help", "nonsense"]):
            with self.subTest(words):
                done = run(*words)
                self.assertEqual(done.returncode, 2)
                self.assertTrue(done.stderr.strip())
        self.assertIn("did you mean import", run("imprt").stderr)


def _set(path, value):
    def change(values):
        *parents, last = path
        for key in parents:
            values = values[key]
        values[last] = value
    return change


SSO = ("apps", 0, "sso")
PROV = ("apps", 0, "prov")

BROKEN = {
    "unknown key": _set(("stroe",), {}), "unknown inner key": _set((*SSO, "upstraem"), "x"),
    "wrong type": _set(("apps",), "none"), "number for text": _set((*SSO, "hosts"), 7),
    "bad choice": _set((*SSO, "unbound"), "maybe"), "bad url": _set((*SSO, "upstream"), {"url": "nowhere"}),
    "bad address": _set(("sso", "listen"), [{"address": "nowhere"}]), "bad size": _set(("store", "max_size"), "big"),
    "bad duration": _set((*SSO, "session_ttl"), "soon"), "no hosts": _set((*SSO, "hosts"), []),
    "bad base path": _set((*PROV, "base_path"), "scim"), "bad boolean": _set((*PROV, "enabled"), Word("perhaps")),
    "missing certificate": _set((*SSO, "identity", 0, "saml", "idp_certificates"), ["/nonexistent/idp.pem"]),
    "missing tokens": _set((*PROV, "tokens_file"), "/nonexistent/tokens"),
}


class Check(WorldCase):
    """`provgate check` and `run` on broken configurations (M4)."""

    def broken(self, name):
        """Write a broken configuration; its path."""
        values = copy.deepcopy(self.world.values)
        BROKEN[name](values)
        path = self.folder / f"broken-{name.replace(' ', '-')}.yaml"
        path.write_text(yamltext.dump(values))
        return path

    def test_the_right_configuration_is_fine(self):
        self.assertEqual(run("check", "--config", str(self.world.config)).returncode, 0)

    def test_broken_configurations_are_status_2_and_name_file_and_line(self):
        for name in BROKEN:
            for command in ("check", "run"):
                with self.subTest(f"{command}: {name}"):
                    path = self.broken(name)
                    done = run(command, "--config", str(path))
                    self.assertEqual(done.returncode, 2, done.stderr)
                    self.assertIn(path.name, done.stdout + done.stderr)

    def test_an_unknown_key_comes_with_a_suggestion(self):
        done = run("check", "--config", str(self.broken("unknown inner key")))
        self.assertIn("upstream", done.stdout + done.stderr)

    def test_tokens_are_listed_without_their_secret_and_revoked(self):
        gateway = self.world.gateway
        secret = gateway.command("token", "new", "--app", "wiki", "--name", "second").strip()
        self.assertGreaterEqual(len(secret), 32)
        listed = gateway.command("token", "list", "--app", "wiki")
        self.assertIn("second", listed)
        self.assertNotIn(secret, listed)
        gateway.command("token", "revoke", "--app", "wiki", "--name", "second")
        self.assertNotIn("second", gateway.command("token", "list", "--app", "wiki"))

    def test_init_leaves_a_store_that_is_there(self):
        okta = self.world.okta()
        self.addCleanup(okta.close)
        okta.assign("kept@example.com")
        self.assertEqual(run("init", "--config", str(self.world.config)).returncode, 0)
        self.assertIsNotNone(okta.lookup("kept@example.com"))
