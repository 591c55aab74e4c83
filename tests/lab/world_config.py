"""The configuration of the lab's world, with the keys of the design."""

from lab.idp import ENTITY
from lab.yamltext import Word


def listener(port, certificate):
    """One loopback listener, with TLS when there is a (certificate, key)."""
    entry = {"address": f"127.0.0.1:{port}"}
    if certificate:
        entry["tls"] = {"certificate": str(certificate[0]), "key": str(certificate[1])}
    return entry


def saml_identity(folder, external_url):
    """The identity provider as the gateway has to know it."""
    return {"acs": ["/saml/acs"], "idp_certificates": [str(folder / "idp.pem")], "idp_entity": ENTITY,
            "audience": external_url, "user": "nameid", "match": "userName", "gate": "enforce"}


def world_config(folder, ports, upstream_url, external_url, certificates):
    """One app, wiki, with both faces, as plain values; a test may change them before they are written."""
    sso_port, prov_port, admin_port = ports
    return {
        "store": {"path": str(folder / "store"), "max_size": "1GiB"},
        "sso": {"listen": [listener(sso_port, certificates.get("sso"))]},
        "prov": {"listen": [listener(prov_port, certificates.get("prov"))]},
        "admin": {"listen": f"127.0.0.1:{admin_port}", "tokens_file": str(folder / "admin-tokens")},
        "apps": [{
            "name": "wiki", "folder": "staff",
            "sso": {
                "hosts": [f"127.0.0.1:{sso_port}"], "external_url": external_url,
                "upstream": {"url": upstream_url}, "session_cookies": ["lab_session"],
                "identity": [{"saml": saml_identity(folder, external_url)}],
                "deactivated": "refuse", "unbound": "pass", "unknown": "observe", "undecided": "pass",
            },
            "prov": {
                "hosts": [f"127.0.0.1:{prov_port}"], "base_path": "/scim/v2",
                "tokens_file": str(folder / "wiki-tokens"), "enabled": True, "service_user": Word("on"),
            },
        }],
    }
