"""Apache with the Shibboleth service provider: a second one that is not ours, by other hands than mod_auth_mellon."""

import os
import pwd
import signal
import subprocess
from pathlib import Path

from lab import keys
from lab.gateway import end_with_parent, wait_until
from lab.idp import ENTITY
from support import mellon

DAEMON = "/usr/sbin/shibd"
SETTINGS = "/etc/shibboleth"
COOKIES = "_shibsession_*"
ACS = "/Shibboleth.sso/SAML2/POST"
USER_FIELD = "X-Shib-User"

APACHE_CONFIG = """
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
LoadModule mod_shib {modules}/mod_shib.so
Mutex file:{folder} default
ShibConfig {folder}/shibboleth2.xml
LogLevel warn
CustomLog {folder}/access.log "%m %U %>s"
<Location />
  AuthType shibboleth
  ShibRequestSetting requireSession 1
  Require shib-session
  Header set {field} "expr=%{{REMOTE_USER}}"
</Location>
<Location /Shibboleth.sso>
  AuthType None
  Require all granted
</Location>
"""

SHIBBOLETH = """<SPConfig xmlns="urn:mace:shibboleth:3.0:native:sp:config" clockSkew="60">
<OutOfProcess logger="{folder}/shibd.logger"/>
<InProcess logger="{folder}/native.logger"/>
<UnixListener address="{folder}/shibd.sock"/>
<ApplicationDefaults entityID="{entity}" REMOTE_USER="subject">
<Sessions lifetime="28800" timeout="3600" relayState="cookie" checkAddress="false" handlerSSL="false"
 cookieProps="http" redirectLimit="none"><SSO entityID="{idp}">SAML2</SSO></Sessions>
<Errors/>
<MetadataProvider type="XML" path="{folder}/idp.xml"/>
<AttributeExtractor type="XML" path="{folder}/attribute-map.xml"/>
<CredentialResolver type="File" key="{folder}/sp.key" certificate="{folder}/sp.pem"/>
</ApplicationDefaults>
<SecurityPolicyProvider type="XML" path="{settings}/security-policy.xml"/>
<ProtocolProvider type="XML" path="{settings}/protocols.xml"/>
</SPConfig>
"""

ATTRIBUTES = """<Attributes xmlns="urn:mace:shibboleth:2.0:attribute-map"
 xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
<Attribute name="urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified" id="subject">
<AttributeDecoder xsi:type="NameIDAttributeDecoder" formatter="$Name"/></Attribute>
</Attributes>
"""

LOGGER = """log4j.rootCategory=WARN, all
log4j.appender.all=org.apache.log4j.FileAppender
log4j.appender.all.fileName={file}
log4j.appender.all.layout=org.apache.log4j.PatternLayout
log4j.appender.all.layout.ConversionPattern=%p %c: %m%n
"""


def is_installed():
    """Are Apache, the module and the daemon there?"""
    return Path(mellon.APACHE).exists() and (mellon.MODULES / "mod_shib.so").exists() and Path(DAEMON).exists()


class Shibboleth(mellon.Mellon):
    """One Apache and its shibd; configure(), then start()."""

    daemon = None

    def configure(self, external_url, idp_metadata, behind=None):
        """Write configuration, keys and metadata. `behind` is not used."""
        keys.make("shibboleth service provider").write(self.folder, "sp")
        (self.folder / "idp.xml").write_text(idp_metadata)
        (self.folder / "attribute-map.xml").write_text(ATTRIBUTES)
        (self.folder / "shibboleth2.xml").write_text(SHIBBOLETH.format(
            folder=self.folder, entity=external_url, idp=ENTITY, settings=SETTINGS))
        for name in ("shibd", "native"):
            (self.folder / f"{name}.logger").write_text(LOGGER.format(file=self.folder / f"{name}.log"))
        (self.folder / "apache.conf").write_text(APACHE_CONFIG.format(
            folder=self.folder, server_name=external_url, port=self.port, modules=mellon.MODULES, field=USER_FIELD,
            user=mellon.user_lines()))
        if os.geteuid() == 0:
            www = pwd.getpwnam("www-data")
            for path in [self.folder, *self.folder.rglob("*")]:
                os.chown(path, www.pw_uid, www.pw_gid)

    def start(self):
        """The daemon, then Apache."""
        who = {"user": "www-data", "group": "www-data"} if os.geteuid() == 0 else {}
        self.daemon = subprocess.Popen(
            [DAEMON, "-F", "-f", "-c", str(self.folder / "shibboleth2.xml"), "-p", str(self.folder / "shibd.pid")],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=(self.folder / "shibd.stderr").open("wb"),
            preexec_fn=end_with_parent, **who)
        wait_until(self._listens, 30, "shibd listens")
        super().start()

    def _listens(self):
        if self.daemon.poll() is not None:
            raise AssertionError("shibd ended: " + "\n".join(
                path.read_text() for path in (self.folder / "shibd.stderr", self.folder / "shibd.log")
                if path.exists()))
        return (self.folder / "shibd.sock").exists()

    def stop(self):
        """End both and remove the folder."""
        if self.daemon and self.daemon.poll() is None:
            self.daemon.send_signal(signal.SIGTERM)
            self.daemon.wait(60)
        super().stop()
