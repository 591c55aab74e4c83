"""Apache with mod_auth_mellon: a real service provider that is not ours, run by hand from a temporary folder."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

from lab import keys, rawhttp
from lab.gateway import end_with_parent, free_ports, wait_until

APACHE = "/usr/sbin/apache2"
MODULES = Path("/usr/lib/apache2/modules")
COOKIE = "mellon-cookie"
ACS = "/mellon/postResponse"
PAGE = "signed in through mellon\n"

CONFIG = """
ServerRoot {folder}
ServerName {server_name}
UseCanonicalName On
Listen 127.0.0.1:{port}
PidFile {folder}/apache.pid
ErrorLog {folder}/error.log
DocumentRoot {folder}/htdocs
{user}
LoadModule mpm_event_module {modules}/mod_mpm_event.so
LoadModule authn_core_module {modules}/mod_authn_core.so
LoadModule authz_core_module {modules}/mod_authz_core.so
LoadModule authz_user_module {modules}/mod_authz_user.so
LoadModule dir_module {modules}/mod_dir.so
LoadModule headers_module {modules}/mod_headers.so
LoadModule auth_mellon_module {modules}/mod_auth_mellon.so
{proxied}
Mutex file:{folder} default
MellonLockFile {folder}/mellon.lock
LogLevel warn
CustomLog {folder}/access.log "%m %U %>s"
<Location />
  Require valid-user
  AuthType Mellon
  MellonEnable auth
  MellonEndpointPath /mellon
  MellonSPMetadataFile {folder}/sp.xml
  MellonSPPrivateKeyFile {folder}/sp.key
  MellonSPCertFile {folder}/sp.pem
  MellonIdPMetadataFile {folder}/idp.xml
  MellonSecureCookie On
  Header set X-Mellon-User "expr=%{{REMOTE_USER}}"
</Location>
"""

PROXIED = """
LoadModule proxy_module {modules}/mod_proxy.so
LoadModule proxy_http_module {modules}/mod_proxy_http.so
LoadModule proxy_wstunnel_module {modules}/mod_proxy_wstunnel.so
ProxyPass /events {behind}/events
ProxyPass /ws {websocket}/ws
"""

SP_METADATA = """<?xml version="1.0" encoding="UTF-8"?>
<EntityDescriptor entityID="{entity}" xmlns="urn:oasis:names:tc:SAML:2.0:metadata">
<SPSSODescriptor AuthnRequestsSigned="false" WantAssertionsSigned="true"
 protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">
<KeyDescriptor use="signing"><ds:KeyInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:X509Data>
<ds:X509Certificate>{certificate}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></KeyDescriptor>
<NameIDFormat>urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified</NameIDFormat>
<AssertionConsumerService index="0" isDefault="true" Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST"
 Location="{acs}"/>
</SPSSODescriptor></EntityDescriptor>
"""


def is_installed():
    """Are both Debian packages there?"""
    return Path(APACHE).exists() and (MODULES / "mod_auth_mellon.so").exists()


def user_lines():
    """Apache refuses to serve as root: name an unprivileged user then."""
    return "User www-data\nGroup www-data" if os.geteuid() == 0 else ""


class Mellon:
    """One Apache; configure() when the public address is known, then start()."""

    def __init__(self, folder):
        self.folder = Path(folder)
        (self.folder / "htdocs").mkdir(parents=True)
        (self.folder / "htdocs" / "page.txt").write_text(PAGE)
        self.port = free_ports(1)[0]
        self.url = f"http://127.0.0.1:{self.port}"
        self.process, self.looks = None, 0

    def configure(self, external_url, idp_metadata, behind=None):
        """Write configuration, keys and metadata; /events and /ws come from an app behind it, when there is one."""
        pair = keys.make("mellon service provider")
        pair.write(self.folder, "sp")
        body = "".join(pair.certificate_pem().decode().splitlines()[1:-1])
        (self.folder / "sp.xml").write_text(SP_METADATA.format(entity=external_url, certificate=body,
                                                               acs=external_url + ACS))
        (self.folder / "idp.xml").write_text(idp_metadata)
        proxied = ""
        if behind:
            proxied = PROXIED.format(modules=MODULES, behind=behind, websocket=behind.replace("http", "ws"))
        (self.folder / "apache.conf").write_text(CONFIG.format(
            proxied=proxied, folder=self.folder, server_name=external_url, port=self.port, modules=MODULES,
            user=user_lines()))
        if os.geteuid() == 0:
            www = pwd.getpwnam("www-data")
            for path in [self.folder, *self.folder.rglob("*")]:
                os.chown(path, www.pw_uid, www.pw_gid)

    def start(self):
        """Start in the foreground of our own process group and wait until it answers."""
        self.process = subprocess.Popen([APACHE, "-f", str(self.folder / "apache.conf"), "-DFOREGROUND"],
                                        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                        stderr=(self.folder / "stderr.log").open("wb"), preexec_fn=end_with_parent)
        wait_until(self._answers, 30, "apache answers")

    def _answers(self):
        if self.process.poll() is not None:
            logs = [(self.folder / name).read_text() for name in ("stderr.log", "error.log")
                    if (self.folder / name).exists()]
            raise AssertionError("apache ended: " + "\n".join(logs))
        try:
            return rawhttp.fetch(self.url + "/page.txt", timeout=10).status > 0
        except OSError:
            return False

    def requests(self):
        """Lines "METHOD PATH STATUS" of what reached it. It writes a line after its answer has left: what came before
        is written when a request of ours is."""
        self.looks += 1
        mark = f"/look-{self.looks}"
        rawhttp.fetch(self.url + mark)
        wait_until(lambda: mark + " " in self._log(), 30, "apache's log")
        return [line for line in self._log().splitlines() if "/look-" not in line]

    def _log(self):
        return (self.folder / "access.log").read_text()

    def stop(self):
        """End it and remove its folder."""
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(60)
        shutil.rmtree(self.folder, ignore_errors=True)


class BehindMellon:
    """To put in front of WorldCase: Apache with mod_auth_mellon stands behind the face."""

    service = None

    @classmethod
    def upstream(cls):
        """Apache, not yet started."""
        if not is_installed():
            raise AssertionError("install apache2 and libapache2-mod-auth-mellon")
        folder = Path(tempfile.mkdtemp(prefix="provgate-mellon-"))
        folder.chmod(0o711)
        cls.service = Mellon(folder)
        cls.addClassCleanup(cls.service.stop)
        return cls.service.url

    @staticmethod
    def configure(values):
        """mellon's cookie and its ACS path."""
        face = values["apps"][0]["sso"]
        face["session_cookies"] = [COOKIE]
        face["identity"][0]["saml"]["acs"] = [ACS]
