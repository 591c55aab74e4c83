/* The keys of logout, oauth and id_token: what is taken, and what is refused with its place. */
#include "tests/support/unit.h"

#include "config/config.h"

#include <stdio.h>

#define PROV                                                                                                           \
    "store: {path: /s}\nprov: {listen: [{address: \"127.0.0.1:2\"}]}\n"                                                \
    "apps:\n  - name: a\n    prov:\n      hosts: [p]\n"
#define SSO                                                                                                            \
    "store: {path: /s}\nsso: {listen: [{address: \"127.0.0.1:1\"}]}\n"                                                 \
    "apps:\n  - name: a\n    sso: {hosts: [h], upstream: \"http://127.0.0.1:3\", session_cookies: [s], identity: ["
#define KEYS "keys: {url: \"https://i/keys\"}"
#define LOGOUT "      tokens_file: t\n      logout: {issuer: i, audience: u, "
#define OAUTH "      oauth: {issuer: i, audience: u, " KEYS ", "
#define TOKEN "{id_token: {acs: [/cb], issuer: i, audience: c, " KEYS
#define HEADER "{header: {name: X-A}}"

/* Two apps on one host. */
#define TWO                                                                                                            \
    PROV LOGOUT KEYS "}\n  - name: b\n    prov: {hosts: [p], base_path: /b, tokens_file: u, "                          \
                     "logout: {issuer: i, audience: u, " KEYS "%s}}\n"

static struct config *load(const char *text, struct gw_error *err)
{
    struct config *config = NULL;
    return config_load("/etc/c.yaml", gw_str_from(text), &config, err) == GW_OK ? config : NULL;
}

static void what_is_not_written_has_its_default(void **state)
{
    (void)state;
    struct gw_error err = {.text = ""};
    struct config *config = load(PROV LOGOUT KEYS "}\n" OAUTH "scopes: {provision: w}}\n", &err);
    assert_string_equal(err.text, "");
    const struct config_prov_face *prov = &config->apps[0].prov;
    assert_true(prov->logout.is_present && prov->oauth.is_present);
    assert_string_equal(prov->logout.path, "/global-token-revocation");
    assert_string_equal(prov->logout.keys.url, "https://i/keys");
    assert_string_equal(prov->oauth.scope_claim, "scp");
    assert_string_equal(prov->oauth.scope_provision, "w");
    assert_null(prov->oauth.scope_read);
    assert_int_equal(prov->logout.skew_ms, 60000);
    assert_int_equal(prov->oauth.skew_ms, 60000);
    config_unref(config);
    config = load(PROV OAUTH "scopes: {provision: w}}\n", &err); /* needs no tokens_file */
    assert_non_null(config);
    assert_false(config->apps[0].prov.logout.is_present);
    config_unref(config);
    config = load(SSO TOKEN "}}, " HEADER "]}\n", &err);
    assert_string_equal(err.text, "");
    const struct config_identity *identity = &config->apps[0].sso.identities[0];
    assert_int_equal(identity->kind, CONFIG_IDENTITY_ID_TOKEN);
    assert_string_equal(identity->saml.user_attribute, "preferred_username");
    assert_string_equal(identity->saml.acs[0], "/cb");
    assert_int_equal(identity->saml.gate, CONFIG_GATE_ENFORCE);
    assert_int_equal(identity->saml.skew_ms, 60000);
    config_unref(config);
}

static void what_is_wrong_is_named(void **state)
{
    (void)state;
    static const struct {
        const char *text, *key, *reason;
    } rows[] = {
        {PROV LOGOUT "}\n", "apps[0].prov.logout.keys: ", "missing"},
        {PROV LOGOUT "keys: {}}\n", "apps[0].prov.logout.keys: ", "names one of file and url"},
        {PROV LOGOUT "keys: {file: f, url: \"https://i\"}}\n", "apps[0].prov.logout.keys: ", "one of file and url"},
        {PROV LOGOUT "keys: {file: f, ca: c}}\n", "apps[0].prov.logout.keys.ca: ", "goes with url"},
        {PROV LOGOUT "keys: {url: \"http://i/keys\"}}\n", "apps[0].prov.logout.keys.url: ", "not an https address"},
        {PROV LOGOUT KEYS ", path: logout}\n", "apps[0].prov.logout.path: ", ""},
        {PROV LOGOUT KEYS ", path: /scim/v2/logout}\n", "apps[0].prov.logout: ", "below base_path"},
        {PROV LOGOUT KEYS ", path: /scim/v1}\n      scim1_base_path: /scim/v1\n",
         "apps[0].prov.logout: ", "below scim1_base_path"},
        {PROV LOGOUT KEYS ", isuer: x}\n", "apps[0].prov.logout.isuer: ", "did you mean issuer?"},
        {PROV LOGOUT KEYS ", skew: 0s}\n", "apps[0].prov.logout.skew: ", ""},
        {PROV OAUTH "skew: 11m}\n", "apps[0].prov.oauth.skew: ", ""},
        {SSO TOKEN ", skew: 1h}}]}\n", "apps[0].sso.identity[0].id_token.skew: ", ""},
        {SSO TOKEN ", skw: 1m}}]}\n", "apps[0].sso.identity[0].id_token.skw: ", "did you mean skew?"},
        {PROV OAUTH "}\n", "apps[0].prov.oauth.scopes: ", "missing"},
        {PROV OAUTH "scopes: {read: r}}\n", "apps[0].prov.oauth.scopes.provision: ", "missing"},
        {PROV OAUTH "scopes: {provision: r, read: r}}\n", "apps[0].prov.oauth.scopes.read: ", "the scope of provision"},
        {PROV OAUTH "scopes: {provision: \"a b\"}}\n", "apps[0].prov.oauth.scopes.provision: ", "not one scope"},
        {PROV, "apps[0].prov: ", "has no tokens_file"},
        {SSO TOKEN "}}, " TOKEN "}}]}\n", "apps[0].sso.identity[1].id_token.acs[0]: ", "taken by identity[0]"},
        {SSO "{id_token: {acs: [/cb], issuer: i, " KEYS "}}]}\n",
         "apps[0].sso.identity[0].id_token.audience: ", "missing; the client id"},
        {SSO TOKEN ", gate: maybe}}]}\n", "apps[0].sso.identity[0].id_token.gate: ", "known are enforce, observe"},
        {SSO "{id_tokn: {}}]}\n", "apps[0].sso.identity[0].id_tokn: ", "did you mean id_token?"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct gw_error err = {.text = ""};
        struct config *config = load(rows[i].text, &err);
        if (config != NULL || strstr(err.text, rows[i].key) == NULL || strstr(err.text, rows[i].reason) == NULL)
            fail_msg("%zu: \"%s\" and not \"%s...%s\"", i, err.text, rows[i].key, rows[i].reason);
    }
}

static void two_apps_share_no_logout_path_on_one_host(void **state)
{
    (void)state;
    struct gw_error err = {.text = ""};
    char text[2048];
    (void)snprintf(text, sizeof text, TWO, "");
    assert_null(load(text, &err));
    assert_non_null(strstr(err.text, "apps[1].prov.hosts[0]: the host p belongs to the app a"));
    (void)snprintf(text, sizeof text, TWO, ", path: /b-logout");
    struct config *config = load(text, &err);
    assert_non_null(config);
    config_unref(config);
}

static void on_finding(enum config_severity severity, const char *text, void *data)
{
    if (severity == CONFIG_ERROR && strstr(text, "keys") != NULL)
        (void)snprintf(data, 512, "%s", text);
}

static void a_set_of_keys_that_is_none_is_found_before_the_start(void **state)
{
    (void)state;
    char *folder = unit_folder_new();
    char path[1200], text[4096], found[512] = "";
    (void)snprintf(path, sizeof path, "%s/keys.json", folder);
    (void)snprintf(text, sizeof text, PROV LOGOUT "keys: {file: \"%s\"}}\n", path);
    struct gw_error err = {.text = ""};
    struct config *config = load(text, &err);
    assert_non_null(config);
    (void)config_check_files(config, on_finding, found);
    assert_non_null(strstr(found, "apps[0].prov.logout.keys.file: "));
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs("{\"keys\":[]}", file) >= 0);
    assert_int_equal(fclose(file), 0);
    (void)config_check_files(config, on_finding, found);
    assert_non_null(strstr(found, "holds no RSA or P-256 key"));
    config_unref(config);
    unit_folder_remove(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_not_written_has_its_default),
        cmocka_unit_test(what_is_wrong_is_named),
        cmocka_unit_test(two_apps_share_no_logout_path_on_one_host),
        cmocka_unit_test(a_set_of_keys_that_is_none_is_found_before_the_start),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
