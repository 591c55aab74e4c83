/* Reading a configuration: what is right gives the values, what is wrong gives one line that says where and why. */
#include "tests/support/unit.h"

#include "config/config.h"
#include "config/node.h"

#include <stdio.h>
#include <stdlib.h>

static const char base[] = "store:\n"
                           "  path: /var/lib/provgate\n"
                           "  max_size: 64GiB\n"
                           "sso:\n"
                           "  listen:\n"
                           "    - address: 0.0.0.0:443\n"
                           "  workers: 2\n"
                           "prov:\n"
                           "  listen:\n"
                           "    - address: 0.0.0.0:8443\n"
                           "      allow_from: [203.0.113.0/24]\n"
                           "admin:\n"
                           "  listen: 127.0.0.1:9901\n"
                           "  tokens_file: admin-tokens\n"
                           "apps:\n"
                           "  - name: wiki\n"
                           "    folder: staff\n"
                           "    sso:\n"
                           "      hosts: [wiki.example.com]\n"
                           "      upstream: http://10.0.0.5:8080\n"
                           "      session_cookies: [sid]\n"
                           "      identity:\n"
                           "        - saml:\n"
                           "            acs: [/saml/acs]\n"
                           "            idp_certificates: [okta.pem]\n"
                           "            idp_entity: http://idp\n"
                           "            audience: https://wiki\n"
                           "            gate: enforce\n"
                           "      unbound: pass\n"
                           "      roles: [{path: /admin, require: [admin]}]\n"
                           "    prov:\n"
                           "      hosts: [prov.example.com]\n"
                           "      tokens_file: wiki-tokens\n"
                           "      roles: [{id: admin}]\n"
                           "      policy: {retain: 90d, brake: {share: 20%}}\n"
                           "  - name: forum\n"
                           "    folder: staff\n"
                           "    sso:\n"
                           "      hosts: [forum.example.com]\n"
                           "      upstream: {url: \"https://forum.internal\", ca: ca.pem}\n"
                           "      session_cookies: [s*]\n"
                           "      identity: [{header: {name: X-User}}]\n";

struct change {
    const char *from; /* in `base`; "" replaces all of it */
    const char *to;
    const char *error; /* what the line starts with, behind the file's name */
    const char *reason;
};

static struct gw_str changed(struct gw_arena *arena, const struct change *change)
{
    if (change->from[0] == '\0')
        return gw_arena_copy(arena, gw_str_from(change->to));
    const char *at = strstr(base, change->from);
    assert_non_null(at);
    return gw_arena_printf(arena, "%.*s%s%s", (int)(at - base), base, change->to, at + strlen(change->from));
}

static const struct change wrong[] = {
    /* YAML itself */
    {"", "", ":1:1: (top): ", "the file is empty"},
    {"", "- a\n", ":1:1: (top): ", "must be a mapping of keys, but is a list"},
    {"", "just text\n", ":1:1: (top): ", "must be a mapping of keys, but is text"},
    {"  max_size: 64GiB", "  max_size: [64GiB", ":4:4: yaml: ", "not valid YAML"},
    {"  max_size: 64GiB", "\tmax_size: 64GiB", ":3:1: yaml: ", "not valid YAML"},
    {"  max_size: 64GiB", "  path: /other", ":3:3: store.path: ", "given twice; the first is in line 2"},
    {"  path: /var", "  path: &a /var", ":2:9: store.path: ", "anchors and tags"},
    {"  max_size: 64GiB", "  max_size: *a", ":3:13: store.max_size: ", "aliases are not used"},
    {"  path: /var", "  path: !!str /var", ":2:9: store.path: ", "anchors and tags"},
    {"apps:", "---\napps:", ":15:1: (top): ", "a second document"},
    {"", "%YAML 1.1\n---\nstore: {}\n", ":1:1: (top): ", "directives are not used"},
    {"", "? [a]\n: b\n", ":1:3: (top): ", "a key must be text"},
    {"/var/lib/provgate", "\"/var\\n/lib\"", ":2:9: store.path: ", "control character"},
    {"", "a: [[[[[[[[[[[[[[[[[[[[[[[[b]]]]]]]]]]]]]]]]]]]]]]]]\n", ":1:19: ", "nested too deeply"},
    /* unknown keys, with what was meant */
    {"store:\n", "storr:\n", ":1:1: storr: ", "unknown key; did you mean store?"},
    {"max_size", "maxsize", ":3:3: store.maxsize: ", "unknown key; did you mean max_size?"},
    {"      unbound: pass", "      unlinked: pass", ":29:7: apps[0].sso.unlinked: ", "did you mean unbound?"},
    {"session_cookies", "cookies", ":21:7: apps[0].sso.cookies: ", "did you mean session_cookies?"},
    {"workers: 2", "zzz: 2", ":7:3: sso.zzz: ", "unknown key; known are listen, workers"},
    {"            gate: enforce", "            gates: enforce",
     ":28:13: apps[0].sso.identity[0].saml.gates: ", "did you mean gate?"},
    {"        - saml:", "        - smal:", ":23:11: apps[0].sso.identity[0].smal: ", "did you mean saml?"},
    {"header: {name:", "header: {nmae:", ":42:28: apps[1].sso.identity[0].header.nmae: ", "did you mean name?"},
    /* missing keys */
    {"  path: /var/lib/provgate\n", "", ":2:3: store.path: ", "missing"},
    {"  - name: wiki\n    folder", "  - folder", ":16:5: apps[0].name: ", "missing"},
    {"    - address: 0.0.0.0:443\n", "    - {}\n", ":6:7: sso.listen[0].address: ", "missing"},
    {"      session_cookies: [sid]\n", "", ":19:7: apps[0].sso.session_cookies: ", "missing; a sign-on is remembered"},
    {"            idp_certificates: [okta.pem]\n", "",
     ":24:13: apps[0].sso.identity[0].saml.idp_certificates: ", "missing; without"},
    {"      identity: [{header: {name: X-User}}]\n", "", ":39:7: apps[1].sso.identity: ", "missing; say how"},
    {"      tokens_file: wiki-tokens\n", "", ":32:7: apps[0].prov: ", "has no tokens_file"},
    {"", "store: {path: /s}\napps:\n", ":2:1: apps: ", "has no value"},
    {"", "store: {path: /s}\napps: []\n", ":2:7: apps: ", "needs at least 1 entry"},
    {"", "store: {path: /s}\napps: [{name: a}]\n", ":2:8: apps[0]: ", "neither an sso nor a prov face"},
    {"      hosts: [wiki.example.com]", "      hosts:", ":19:7: apps[0].sso.hosts: ", "has no value"},
    {"/var/lib/provgate", "~", ":2:3: store.path: ", "has no value"},
    /* wrong types and impossible values */
    {"  path: /var/lib/provgate", "  path: [/var]", ":2:9: store.path: ", "must be text, but is a list"},
    {"      hosts: [wiki.example.com]", "      hosts: wiki.example.com",
     ":19:14: apps[0].sso.hosts: ", "must be a list, but is text; did you mean [wiki.example.com]?"},
    {"64GiB", "64GB", ":3:13: store.max_size: ", "did you mean 64GiB?"},
    {"64GiB", "1KiB", ":3:13: store.max_size: ", "must be from 1MiB"},
    {"64GiB", "99999999TiB", ":3:13: store.max_size: ", "not a size"},
    {"workers: 2", "workers: many", ":7:12: sso.workers: ", "not a number from 1 to 256 or auto"},
    {"workers: 2", "workers: 0", ":7:12: sso.workers: ", "not a number from 1 to 256"},
    {"workers: 2", "workers: -1", ":7:12: sso.workers: ", "not a number from 1 to 256"},
    {"64GiB", "64GiB\nactivity: {retain: 5h}", ":4:20: activity.retain: ", "must be from 1d"},
    {"64GiB", "64GiB\nactivity: {max_entries: 5}", ":4:25: activity.max_entries: ", "not a number from 10000"},
    {"64GiB", "64GiB\nactivity: {values: title}", ":4:20: activity.values: ", "list"},
    {"64GiB", "64GiB\nactivity: {values: [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q]}",
     ":4:20: activity.values: ", "16"},
    {"64GiB", "64GiB\nactivity: {retains: 5d}", ":4:12: activity.retains: ", "did you mean retain?"},
    {"90d", "90", ":35:24: apps[0].prov.policy.retain: ", "has no unit; did you mean 90s?"},
    {"90d", "90x", ":35:24: apps[0].prov.policy.retain: ", "not a time such as"},
    {"90d", "5s", ":35:24: apps[0].prov.policy.retain: ", "must be from 1m to 36500d"},
    {"      unbound: pass", "      refusal: {pages: x}", ":29:17: apps[0].sso.refusal.pages: ", "did you mean page?"},
    {"      unbound: pass", "      request_id_header: \"a b\"", ":29:26: apps[0].sso.request_id_header: ", ""},
    {"      unbound: pass", "      request_id_header: Host", ":29:26: apps[0].sso.request_id_header: ", ""},
    {"      unbound: pass", "      logout: [logout]", ":29:16: apps[0].sso.logout[0]: ", ""},
    {"64GiB", "64GiB\n  sessions_max: 10", ":4:17: store.sessions_max: ", "not a number from 1000 to"},
    {"20%", "20", ":35:44: apps[0].prov.policy.brake.share: ", "did you mean 20%?"},
    {"20%", "120%", ":35:44: apps[0].prov.policy.brake.share: ", "not a share from 1% to 100%"},
    {"gate: enforce", "gate: observed", ":28:19: apps[0].sso.identity[0].saml.gate: ", "did you mean observe?"},
    {"unbound: pass", "unbound: allow", ":29:16: apps[0].sso.unbound: ", "did you mean pass?"},
    {"      policy: {retain: 90d", "      policy: {adopt: yes",
     ":35:23: apps[0].prov.policy.adopt: ", "did you mean on?"},
    {"      policy: {retain: 90d", "      policy: {match: [userName, userName]",
     ":35:34: apps[0].prov.policy.match[1]: ", "stands in the list twice"},
    {"      policy: {retain: 90d", "      policy: {match: [username]",
     ":35:24: apps[0].prov.policy.match[0]: ", "did you mean userName?"},
    {"      policy: {retain: 90d", "      policy: {after_retention: anonymize",
     ":35:33: apps[0].prov.policy.after_retention: ", "did you mean anonymise?"},
    /* addresses, URLs, paths */
    {"0.0.0.0:443", "localhost:443", ":6:16: sso.listen[0].address: ", "listeners take addresses, not names"},
    {"0.0.0.0:443", "0.0.0.0", ":6:16: sso.listen[0].address: ", "not an address and a port"},
    {"0.0.0.0:443", "0.0.0.0:0", ":6:16: sso.listen[0].address: ", "not a port"},
    {"0.0.0.0:443", "0.0.0.0:70000", ":6:16: sso.listen[0].address: ", "not a port"},
    {"0.0.0.0:443", "\":::443\"", ":6:16: sso.listen[0].address: ", "not an address"},
    {"0.0.0.0:443", "unix:run/x", ":6:16: sso.listen[0].address: ", "starts with '/'"},
    {"203.0.113.0/24", "203.0.113.7/24", ":11:20: prov.listen[0].allow_from[0]: ", "did you mean 203.0.113.0/24?"},
    {"203.0.113.0/24", "203.0.113.0/33", ":11:20: prov.listen[0].allow_from[0]: ", "from 0 to 32"},
    {"203.0.113.0/24", "office", ":11:20: prov.listen[0].allow_from[0]: ", "not an address range"},
    {"allow_from: [203.0.113.0/24]", "tls: {certificate: a}", ":11:12: prov.listen[0].tls: ", "key: missing"},
    {"allow_from: [203.0.113.0/24]", "tls: {certificates: []}",
     ":11:27: prov.listen[0].tls.certificates: ", "at least 1"},
    {"allow_from: [203.0.113.0/24]", "tls: {certificates: [{key: a}]}",
     ":11:28: prov.listen[0].tls.certificates[0].certificate: ", "missing"},
    {"allow_from: [203.0.113.0/24]", "tls: {key: k, certificates: [{certificate: a, key: b}]}",
     ":11:12: prov.listen[0].tls: ", "either certificate and key, or certificates"},
    {"allow_from: [203.0.113.0/24]", "tls: {certificate: a, key: b, client_certificates: optional}",
     ":11:58: prov.listen[0].tls.client_certificates: ", "needs client_ca"},
    {"allow_from: [203.0.113.0/24]", "tls: {certificate: a, key: b, client_ca: c, client_certificates: always}",
     ":11:72: prov.listen[0].tls.client_certificates: ", "require"},
    {"allow_from: [203.0.113.0/24]", "proxy_protocol: on", ":11:23: prov.listen[0].proxy_protocol: ", "mapping"},
    {"allow_from: [203.0.113.0/24]", "proxy_protocol: {form: []}",
     ":11:24: prov.listen[0].proxy_protocol.form: ", "did you mean from?"},
    {"allow_from: [203.0.113.0/24]", "proxy_protocol: {}",
     ":11:23: prov.listen[0].proxy_protocol.from: ", "name the balancers"},
    {"allow_from: [203.0.113.0/24]", "proxy_protocol: {from: [10.0.0.1, lb]}",
     ":11:41: prov.listen[0].proxy_protocol.from[1]: ", "not an address range"},
    {"http://10.0.0.5:8080", "10.0.0.5:8080", ":20:17: apps[0].sso.upstream: ", "starts with http://"},
    {"http://10.0.0.5:8080", "http://10.0.0.5/app", ":20:17: apps[0].sso.upstream: ", "has a path"},
    {"http://10.0.0.5:8080", "http://u:p@10.0.0.5", ":20:17: apps[0].sso.upstream: ", "no user name or password"},
    {"http://10.0.0.5:8080", "http://", ":20:17: apps[0].sso.upstream: ", "not a host name"},
    {"https://forum.internal", "https://forum.internal:x", ":40:23: apps[1].sso.upstream.url: ", "not a port"},
    {"[wiki.example.com]", "[https://wiki.example.com/]",
     ":19:15: apps[0].sso.hosts[0]: ", "did you mean wiki.example.com?"},
    {"[wiki.example.com]", "[wiki..example]", ":19:15: apps[0].sso.hosts[0]: ", "not a host name"},
    {"[wiki.example.com]", "[a.example, A.example]", ":19:26: apps[0].sso.hosts[1]: ", "stands in the list twice"},
    {"[/saml/acs]", "[saml/acs]", ":24:19: apps[0].sso.identity[0].saml.acs[0]: ", "did you mean /saml/acs?"},
    {"[/saml/acs]", "[/saml//acs]", ":24:19: apps[0].sso.identity[0].saml.acs[0]: ", "empty segment or dots"},
    {"[/saml/acs]", "[/saml/../acs]", ":24:19: apps[0].sso.identity[0].saml.acs[0]: ", "empty segment or dots"},
    {"[/saml/acs]", "[\"/saml%2facs\"]", ":24:19: apps[0].sso.identity[0].saml.acs[0]: ", "no '%'"},
    {"      tokens_file: wiki", "      base_path: /scim/v2/\n      tokens_file: wiki",
     ":33:18: apps[0].prov.base_path: ", "did you mean /scim/v2?"},
    {"      tokens_file: wiki", "      base_path: /\n      tokens_file: wiki",
     ":33:18: apps[0].prov.base_path: ", "needs a name"},
    {"      tokens_file: wiki", "      scim1_base_path: /scim/v1/\n      tokens_file: wiki",
     ":33:24: apps[0].prov.scim1_base_path: ", "did you mean /scim/v1?"},
    {"      tokens_file: wiki", "      scim1_base_path: /scim/v2/v1\n      tokens_file: wiki",
     ":33:24: apps[0].prov.scim1_base_path: ", "stands below the other"},
    {"      tokens_file: wiki", "      scim1_bas_path: /scim/v1\n      tokens_file: wiki",
     ":33:7: apps[0].prov.scim1_bas_path: ", "did you mean scim1_base_path?"},
    {"[sid]", "[\"s d\"]", ":21:25: apps[0].sso.session_cookies[0]: ", "not a cookie name"},
    {"X-User", "Content-Length", ":42:34: apps[1].sso.identity[0].header.name: ", "belongs to HTTP itself"},
    {"      session_cookies: [sid]", "      session_cookies: [sid]\n      inject: {\"X User\": userName}",
     ":22:16: apps[0].sso.inject.X User: ", "not a header name"},
    {"            gate: enforce", "            user: email",
     ":28:19: apps[0].sso.identity[0].saml.user: ", "did you mean \"attribute email\"?"},
    {"- name: wiki", "- name: wi/ki", ":16:11: apps[0].name: ", "not a name"},
    /* what no single key says wrong */
    {"0.0.0.0:8443", "0.0.0.0:443", ":10:16: prov.listen[0].address: ", "the faces never share a listener"},
    {"0.0.0.0:8443", "10.1.1.1:443", ":10:16: prov.listen[0].address: ", "the faces never share a listener"},
    {"0.0.0.0:8443", "\"[::]:443\"", ":10:16: prov.listen[0].address: ", "the faces never share a listener"},
    {"127.0.0.1:9901", "127.0.0.1:8443", ":13:11: admin.listen: ", "taken by prov.listen[0].address"},
    {"  workers: 2", "    - address: 0.0.0.0:443", ":7:16: sso.listen[1].address: ", "taken by sso.listen[0].address"},
    {"[forum.example.com]", "[WIKI.example.com]", ":39:15: apps[1].sso.hosts[0]: ", "belongs to the app wiki"},
    {"[forum.example.com]", "[\"wiki.example.com:443\"]", ":39:15: apps[1].sso.hosts[0]: ", "belongs to the app wiki"},
    {"- name: forum", "- name: Wiki", ":36:11: apps[1].name: ", "given twice"},
    {"      identity: [{header: {name: X-User}}]\n",
     "      identity: [{header: {name: X-User}}]\n    prov: {hosts: [p2.example.com], tokens_file: t}\n",
     ":43:5: apps[1].prov: ", "a folder has one"},
    {"    folder: staff\n    sso:\n      hosts: [forum.example.com]",
     "    folder: other\n    prov: {hosts: [prov.example.com], tokens_file: t}\n    sso:\n      hosts: "
     "[forum.example.com]",
     ":38:20: apps[1].prov.hosts[0]: ", "belongs to the app wiki"},
    {"    folder: staff\n    sso:\n      hosts: [forum.example.com]",
     "    folder: other\n    prov: {hosts: [p2.example.com], tokens_file: wiki-tokens}\n    sso:\n      hosts: "
     "[x.example]",
     ":38:50: apps[1].prov.tokens_file: ", "a credential answers for one app"},
    {"tokens_file: wiki-tokens", "tokens_file: admin-tokens", ":33:20: apps[0].prov.tokens_file: ", "for one face"},
    {"require: [admin]", "require: [admni]",
     ":30:40: apps[0].sso.roles[0].require[0]: ", "is not defined by the prov face"},
    {"roles: [{id: admin}]", "roles: [{id: admin}, {id: Admin}]",
     ":34:33: apps[0].prov.roles[1].id: ", "defined twice"},
    {"        - saml:", "        - header: {name: X-A}\n          saml:", ":23:11: apps[0].sso.identity[0]: ",
     "names 2 ways"},
    {"            gate: enforce",
     "            gate: enforce\n        - saml: {acs: [/b, /saml/acs], idp_certificates: [o], idp_entity: i, "
     "audience: a}",
     ":29:28: apps[0].sso.identity[1].saml.acs[1]: ", "is taken by identity[0]"},
    {"admin:\n  listen: 127.0.0.1:9901", "admin:\n  listen: 127.0.0.1",
     ":13:11: admin.listen: ", "not an address and a port"},
    {"prov:\n  listen:\n    - address: 0.0.0.0:8443\n      allow_from: [203.0.113.0/24]\n", "",
     ":27:5: apps[0].prov: ", "nothing listens for it"},
};

static void each_broken_configuration_is_one_line_with_place_key_and_reason(void **state)
{
    (void)state;
    size_t failures = 0;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        GW_ARENA_SCOPED(arena);
        struct config *config = NULL;
        struct gw_error err = {.text = ""};
        enum gw_code code = config_load("/etc/f.yaml", changed(&arena, &wrong[i]), &config, &err);
        const char *expected = gw_arena_printf(&arena, "/etc/f.yaml%s", wrong[i].error).ptr;
        bool ok = code == GW_E_CONFIG && strncmp(err.text, expected, strlen(expected)) == 0 &&
                  strstr(err.text, wrong[i].reason) != NULL && strchr(err.text, '\n') == NULL;
        if (!ok)
            print_error("row %zu: wanted \"%s…%s\", got \"%s\"\n", i, expected, wrong[i].reason, err.text);
        failures += !ok;
        config_unref(config);
    }
    assert_int_equal(failures, 0);
    assert_true(sizeof wrong / sizeof *wrong >= 40); /* security.md M4 */
}

static struct config *load_ok(const char *text)
{
    struct config *config = NULL;
    struct gw_error err = {.text = ""};
    if (config_load("/etc/provgate/f.yaml", gw_str_from(text), &config, &err) != GW_OK)
        fail_msg("%s", err.text);
    return config;
}

static void values_are_read_and_files_are_taken_from_the_folder(void **state)
{
    (void)state;
    struct config *config = load_ok(base);
    assert_string_equal(config->store_path, "/var/lib/provgate");
    assert_int_equal(config->store_max_size, 64ull << 30);
    assert_int_equal(config->sso_workers, 2);
    assert_int_equal(config->prov_listeners[0].allow_from[0].bits, 96 + 24);
    assert_string_equal(config->admin_tokens_file, "/etc/provgate/admin-tokens");
    assert_int_equal(config->app_count, 2);
    const struct config_app *wiki = &config->apps[0];
    assert_int_equal(wiki->line, 16);
    assert_true(wiki->sso.is_present && wiki->prov.is_present);
    assert_string_equal(wiki->sso.identities[0].saml.acs[0], "/saml/acs");
    assert_string_equal(wiki->sso.identities[0].saml.idp_certificates[0], "/etc/provgate/okta.pem");
    assert_string_equal(wiki->sso.upstream.url.host, "10.0.0.5");
    assert_int_equal(wiki->sso.upstream.url.port, 8080);
    assert_string_equal(wiki->prov.roles[0].display, "admin");
    const struct config_app *forum = &config->apps[1];
    assert_false(forum->prov.is_present);
    assert_true(forum->sso.upstream.url.is_https);
    assert_int_equal(forum->sso.upstream.url.port, 443);
    assert_int_equal(forum->sso.identities[0].kind, CONFIG_IDENTITY_HEADER);
    config_unref(config);
}

static void absent_keys_mean_what_the_tables_say(void **state)
{
    (void)state;
    struct config *config = load_ok(base);
    const struct config_sso_face *sso = &config->apps[0].sso;
    assert_string_equal(sso->external_url, "https://wiki.example.com");
    assert_int_equal(sso->session_ttl_ms, 30ll * 86400000);
    assert_int_equal(sso->identities[0].saml.skew_ms, 60000);
    assert_null(sso->identities[0].saml.user_attribute);
    assert_int_equal(sso->identities[0].saml.gate, CONFIG_GATE_ENFORCE);
    assert_int_equal(sso->deactivated, CONFIG_DEACTIVATED_REFUSE);
    assert_int_equal(sso->undecided, CONFIG_UNDECIDED_PASS);
    assert_true(sso->forwarded.for_on && sso->forwarded.proto_on && sso->forwarded.host_on);
    assert_int_equal(sso->trusted_proxy_count, 0);
    assert_int_equal(sso->upstream.connect_timeout_ms, 5000);
    const struct config_prov_face *prov = &config->apps[0].prov;
    assert_string_equal(prov->base_path, "/scim/v2");
    assert_true(prov->enabled && prov->service_user && prov->policy.adopt && prov->policy.revive);
    assert_int_equal(prov->policy.match_count, 2);
    assert_int_equal(prov->policy.match[0], CONFIG_MATCH_EXTERNAL_ID);
    assert_int_equal(prov->policy.brake.at_least, 25);
    assert_int_equal(prov->policy.brake.max_hold_ms, 1800000);
    config_unref(config);
}

static bool is_stripped(const struct config_sso_face *face, const char *name)
{
    for (size_t i = 0; i < face->strip_request_header_count; i++) {
        if (strcmp(face->strip_request_headers[i], name) == 0)
            return true;
    }
    return false;
}

static void identity_headers_in_use_are_always_stripped(void **state)
{
    (void)state;
    struct config *config = load_ok(base);
    assert_true(is_stripped(&config->apps[0].sso, "X-Forwarded-User"));
    assert_true(is_stripped(&config->apps[1].sso, "X-User"));
    config_unref(config);

    GW_ARENA_SCOPED(arena);
    struct change change = {.from = "      identity: [{header",
                            .to = "      strip_request_headers: [X-Only]\n      inject: {X-Who: userName}\n"
                                  "      identity: [{header"};
    config = load_ok(changed(&arena, &change).ptr);
    const struct config_sso_face *face = &config->apps[1].sso;
    assert_true(is_stripped(face, "X-Only") && is_stripped(face, "X-User") && is_stripped(face, "X-Who"));
    assert_false(is_stripped(face, "Proxy"));
    assert_string_equal(face->inject[0].value, "userName");
    config_unref(config);
}

static void the_example_is_valid_and_is_the_file_in_the_tree(void **state)
{
    (void)state;
    struct config *config = load_ok(config_example_text());
    assert_int_equal(config->apps[0].sso.identities[0].saml.gate, CONFIG_GATE_OBSERVE);
    config_unref(config);
    FILE *file = fopen(PROVGATE_SOURCE_DIR "/config/examples/provgate.yaml", "r");
    assert_non_null(file);
    char text[16384];
    size_t len = fread(text, 1, sizeof text - 1, file);
    (void)fclose(file);
    text[len] = '\0';
    assert_string_equal(text, config_example_text());
}

static void the_whole_of_the_design_page_is_accepted(void **state)
{
    (void)state;
    static const char text[] =
        "store: {path: /var/lib/provgate, max_size: 64GiB}\n"
        "sso:\n  listen:\n    - address: 0.0.0.0:443\n      tls: {certificate: sso.pem, key: sso.key}\n"
        "      proxy_protocol: {from: [10.0.0.0/8]}\n  workers: auto\n"
        "prov:\n  listen:\n    - address: \"[::]:8443\"\n      tls: {certificates: [{certificate: prov.pem, key: "
        "prov.key}, {certificate: b.pem, key: b.key}], client_ca: ca.pem, client_certificates: optional}\n"
        "      allow_from: [203.0.113.0/24, \"2001:db8::/32\"]\n"
        "admin: {listen: \"unix:/run/provgate/admin.sock\", tokens_file: admin-tokens}\n"
        "apps:\n  - name: wiki\n    folder: staff\n    sso:\n"
        "      hosts: [wiki.example.com, \"127.0.0.1:8080\", \"[::1]:8080\"]\n"
        "      external_url: https://wiki.example.com/\n"
        "      upstream: {url: \"https://10.0.0.5:8443\", ca: /etc/app-ca.pem, server_name: wiki.internal}\n"
        "      session_cookies: [wiki_session, \"chunk.*\"]\n"
        "      identity:\n"
        "        - saml: {acs: [/saml/acs], idp_certificates: [okta.pem], idp_entity: \"http://www.okta.com/exk1\","
        " audience: \"https://wiki.example.com\", user: attribute login, match: userName, gate: enforce}\n"
        "        - probe: {when: [unbound, {after: /callback}], get: /api/me, user_name: /email}\n"
        "        - header: {name: X-Remote-User}\n"
        "      deactivated: refuse\n      unbound: reauth\n      unknown: observe\n      undecided: pass\n"
        "      forwarded: {for: on, proto: on, host: on, port: off}\n"
        "      trusted_proxies: []\n      inject: {}\n"
        "      roles: [{path: /admin, require: [admin]}]\n      paths: case_insensitive\n"
        "    prov:\n      hosts: [prov.wiki.example.com]\n      base_path: /scim/v2\n      scim1_base_path: /scim/v1\n"
        "      tokens_file: "
        "/etc/wiki-tokens\n"
        "      enabled: true\n      service_user: on\n"
        "      roles: [{id: admin, display: Administrator, groups: [\"Wiki Admins\"]}, {id: editor, display: Editor}]\n"
        "      policy:\n        match: [externalId, userName]\n        adopt: on\n        revive: on\n"
        "        retain: 90d\n        after_retention: keep\n"
        "        brake: {action: alert, share: 20%, within: 1h}\n";
    struct config *config = load_ok(text);
    const struct config_sso_face *face = &config->apps[0].sso;
    assert_int_equal(config->sso_listeners[0].proxy_from_count, 1);
    assert_int_equal(config->sso_listeners[0].tls.pair_count, 1);
    const struct config_tls *tls = &config->prov_listeners[0].tls;
    assert_int_equal(tls->pair_count, 2);
    assert_string_equal(tls->certificate, "/etc/provgate/prov.pem");
    assert_string_equal(tls->pairs[1].key, "/etc/provgate/b.key");
    assert_int_equal(tls->client_certificates, CONFIG_CLIENT_CERTIFICATES_OPTIONAL);
    assert_int_equal(config->sso_listeners[0].proxy_from[0].bits, 96 + 8);
    assert_int_equal(config->prov_listeners[0].proxy_from_count, 0);
    assert_string_equal(face->external_url, "https://wiki.example.com");
    assert_string_equal(face->identities[0].saml.user_attribute, "login");
    assert_true(face->identities[1].probe.when[0].unbound);
    assert_string_equal(face->identities[1].probe.when[1].after, "/callback");
    assert_string_equal(face->identities[2].header_name, "X-Remote-User");
    assert_false(face->forwarded.port_on);
    assert_true(face->paths_case_insensitive);
    assert_string_equal(config->apps[0].prov.roles[0].groups[0], "Wiki Admins");
    config_unref(config);
}

static void where_a_key_stands_can_be_asked_later(void **state)
{
    (void)state;
    GW_ARENA_SCOPED(arena);
    struct config *config = load_ok(base);
    assert_str_equal(config_where(config, &arena, "prov.listen[0].address"),
                     "/etc/provgate/f.yaml:10:16: prov.listen[0].address");
    assert_str_equal(config_where(config, &arena, "apps[7].sso"), "/etc/provgate/f.yaml:1:1: apps[7].sso");
    assert_null(config_node_find(config->root, "apps[x]"));
    config_unref(config);
}

static void a_snapshot_lives_as_long_as_someone_holds_it(void **state)
{
    (void)state;
    struct config *config = load_ok(base);
    struct config *other = config_ref(config);
    assert_ptr_equal(config, other);
    config_unref(config);
    assert_string_equal(other->apps[0].name, "wiki");
    config_unref(other);
}

static void files_that_cannot_be_read_are_named(void **state)
{
    (void)state;
    struct config *config = NULL;
    struct gw_error err;
    assert_int_equal(config_load("/nonexistent/f.yaml", GW_STR_NONE, &config, &err), GW_E_CONFIG);
    assert_string_equal(err.text, "/nonexistent/f.yaml:1:1: file: cannot be read: No such file or directory");
    assert_int_equal(config_load("/tmp", GW_STR_NONE, &config, &err), GW_E_CONFIG);
    assert_non_null(strstr(err.text, "/tmp:1:1: file: cannot be read"));
}

static void a_file_above_the_cap_is_refused(void **state)
{
    (void)state;
    char *text = malloc(CONFIG_FILE_BYTES_MAX + 2);
    memset(text, ' ', CONFIG_FILE_BYTES_MAX + 1);
    struct config *config = NULL;
    struct gw_error err;
    assert_int_equal(config_load("f", gw_str_n(text, CONFIG_FILE_BYTES_MAX + 1), &config, &err), GW_E_CONFIG);
    assert_non_null(strstr(err.text, "f:1:1: file: larger than 1048576 bytes"));
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_broken_configuration_is_one_line_with_place_key_and_reason),
        cmocka_unit_test(values_are_read_and_files_are_taken_from_the_folder),
        cmocka_unit_test(absent_keys_mean_what_the_tables_say),
        cmocka_unit_test(identity_headers_in_use_are_always_stripped),
        cmocka_unit_test(the_example_is_valid_and_is_the_file_in_the_tree),
        cmocka_unit_test(the_whole_of_the_design_page_is_accepted),
        cmocka_unit_test(where_a_key_stands_can_be_asked_later),
        cmocka_unit_test(a_snapshot_lives_as_long_as_someone_holds_it),
        cmocka_unit_test(files_that_cannot_be_read_are_named),
        cmocka_unit_test(a_file_above_the_cap_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
