#!/usr/bin/python3
"""A complete small world on loopback: identity provider, SSO app, and provgate in the middle.

world.py [--dir build/demo] [--tls]     stays in the foreground until interrupted; writes DIR.env when all is up
world.py --smoke                        walks the story by itself, prints each step, exits 0 or 1
"""

import argparse
import os
import shlex
import shutil
import signal
import ssl
import sys
import tempfile
import threading
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from lab import keys, yamltext  # noqa: E402
from lab.app import App  # noqa: E402
from lab.browser import Browser  # noqa: E402
from lab.gateway import ROOT, Gateway, GatewayError, free_ports  # noqa: E402
from lab.idp import IdentityProvider, load_or_make  # noqa: E402
from lab.okta import Okta  # noqa: E402
from lab.story import Story  # noqa: E402
from lab.world_config import world_config  # noqa: E402

MARKER = ".provgate-lab"
WATCH_S = 0.5


class World:
    """Identity provider, app and provgate, started and stopped together."""

    def __init__(self, folder, tls=False, upstream_url=None, change=None, external_url=None):
        self.folder = Path(folder).resolve()
        self._make_folder()
        self.ports = free_ports(3)
        scheme = "https" if tls else "http"
        sso_port, prov_port, admin_port = self.ports
        self.sso_url = f"{scheme}://127.0.0.1:{sso_port}"
        self.prov_url = f"{scheme}://127.0.0.1:{prov_port}/scim/v2"
        self.admin_url = f"http://127.0.0.1:{admin_port}"
        self.pair = load_or_make(self.folder)
        self.tls, certificates = self._make_certificates() if tls else (None, {})
        self.app = App(self.pair.certificate_pem())
        external = external_url or self.sso_url
        self.idp = IdentityProvider(self.pair, external + "/saml/acs", external)
        self.app.configure(external + "/saml/acs", external, self.idp.url)
        self.values = world_config(self.folder, self.ports, upstream_url or self.app.url, external, certificates)
        if change:
            change(self.values)
        self.config = self.folder / "provgate.yaml"
        self.config.write_text(yamltext.dump(self.values))
        self.gateway = Gateway(self.config, self.folder / "provgate.log", self.sso_url, self.admin_url, tls=self.tls)
        self.token = self.admin_token = None

    def _make_folder(self):
        """A fresh data folder; one that the lab did not make is not touched."""
        if self.folder.exists() and any(self.folder.iterdir()):
            if not (self.folder / MARKER).exists():
                raise GatewayError(f"{self.folder} is not a folder of the lab; it is left alone")
            shutil.rmtree(self.folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o700)
        (self.folder / MARKER).touch()

    def _make_certificates(self):
        authority = keys.make("lab CA", authority=True)
        path, _ = authority.write(self.folder, "ca")
        made = {face: keys.make(f"{face} face", ["127.0.0.1", "localhost"], authority).write(self.folder, face)
                for face in ("sso", "prov")}
        return ssl.create_default_context(cafile=str(path)), made

    def start(self, with_app=True):
        """Start everything; the tokens are made by the real commands."""
        if with_app:
            self.app.start()
        self.idp.start()
        self.gateway.command("init")
        self.token = self.gateway.command("token", "new", "--app", "wiki", "--name", "okta").strip()
        self.admin_token = self.gateway.command("token", "new", "--admin", "--name", "lab").strip()
        self.gateway.start()
        return self

    def stop(self):
        """Stop everything; provgate's exit status."""
        try:
            return self.gateway.stop()
        finally:
            self.idp.stop()
            self.app.stop()

    def okta(self, kind="aiw", on_call=None):
        """A provisioning connection with the right token."""
        return Okta(self.prov_url, self.token, kind, on_call, self.tls)

    def browser(self):
        """A browser of its own."""
        return Browser(self.tls)

    def sign_in(self, user):
        """A browser that has signed in, or an AssertionError."""
        browser = self.browser()
        answer = browser.sign_in(self.idp.url, user)
        if answer.status != 303:
            raise AssertionError(f"{user} could not sign in: {answer.status} {answer.body[:300]!r}")
        return browser

    def environment(self):
        """What DIR.env says."""
        return {"SSO_URL": self.sso_url, "PROV_URL": self.prov_url, "PROV_TOKEN": self.token,
                "ADMIN_URL": self.admin_url, "ADMIN_TOKEN": self.admin_token, "APP_URL": self.app.url,
                "IDP_URL": self.idp.url, "CONFIG": self.config, "STORE": self.values["store"]["path"],
                "PID": self.gateway.pid}


def fill(world, say):
    """A few users: one observed, one provisioned, one linked."""
    say("filling the folder: 1/3 olivia@example.com signs in (observed)")
    world.sign_in("olivia@example.com")
    okta = world.okta()
    say("filling the folder: 2/3 peter@example.com comes from Okta (provisioned)")
    okta.assign("peter@example.com", "00upeter")
    say("filling the folder: 3/3 lena@example.com signs in and comes from Okta (linked)")
    world.sign_in("lena@example.com")
    okta.assign("lena@example.com", "00ulena")
    okta.close()


def write_environment(world, path):
    """Write the shell variables, whole or not at all; they hold secrets."""
    text = "".join(f"{name}={shlex.quote(str(value))}\n" for name, value in world.environment().items())
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".env-")
    with os.fdopen(handle, "w") as file:
        file.write(text)
    os.replace(temporary, path)


def describe(world, env_path, say):
    """Where to look, and three commands to try."""
    say(f"""
the app through provgate   {world.sso_url}/
the app without it         {world.app.url}/
sign in as anyone          {world.idp.url}?user=alice@example.com
provisioning (SCIM)        {world.prov_url}/Users
admin                      {world.admin_url}/healthz
configuration, log         {world.config}  {world.gateway.log}

three commands to try, after   . {env_path}
  curl -s -H "Authorization: Bearer $PROV_TOKEN" "$PROV_URL/Users"
  /usr/bin/python3 {ROOT}/tests/lab/okta.py --base "$PROV_URL" --token "$PROV_TOKEN" unassign lena@example.com
  curl -s -H "Authorization: Bearer $ADMIN_TOKEN" "$ADMIN_URL/metrics"
""")


def stay(world, say):
    """Stay until interrupted; tell once when provgate is gone, the rest of the world goes on."""
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    say("running; stop with Ctrl-C")
    told = False
    while not stop.wait(WATCH_S):
        if not told and world.gateway.process.poll() is not None:
            told = True
            say(f"provgate ended (status {world.gateway.process.returncode}); start it again with\n"
                f"  {world.gateway.binary} run --config {world.config}")
    say("stopping")


def run(args, say):
    """Build the world, do what was asked, take it down; the exit status."""
    env_path = args.dir.with_name(args.dir.name + ".env")
    env_path.unlink(missing_ok=True)
    world = World(args.dir, args.tls)
    status = 0
    try:
        say("starting identity provider, app and provgate")
        world.start()
        fill(world, say)
        if args.smoke:
            status = 0 if Story(world).walk(say) else 1
        else:
            write_environment(world, env_path)
            describe(world, env_path, say)
            stay(world, say)
    finally:
        env_path.unlink(missing_ok=True)
        ended = world.stop()
    if args.smoke and ended != 0:
        say(f"provgate ended with status {ended} on SIGTERM")
        status = 1
    return status


def main():
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dir", type=Path, default=ROOT / "build" / "demo", help="data folder (made anew)")
    parser.add_argument("--tls", action="store_true", help="TLS on both faces, with a self-made CA")
    parser.add_argument("--smoke", action="store_true", help="walk the story and exit")
    args = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    args.dir = args.dir.resolve()
    args.dir.parent.mkdir(parents=True, exist_ok=True)
    try:
        return run(args, lambda text: print(text, flush=True))
    except (GatewayError, OSError, AssertionError) as error:
        print(f"world: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
