/* What the files say: certificates, keys and credentials made here, each wrong in one way. */
#include "tests/support/unit.h"

#include "config/config.h"
#include "config/tokens.h"

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct place {
    struct gw_arena arena;
    char *folder;
};

static const char text[] =
    "store: {path: store}\n"
    "sso: {listen: [{address: \"127.0.0.1:8080\", tls: {certificate: sso.pem, key: sso.key}}]}\n"
    "prov: {listen: [{address: \"127.0.0.1:8081\"}]}\n"
    "admin: {listen: \"127.0.0.1:9901\", tokens_file: admin-tokens}\n"
    "apps:\n"
    "  - name: wiki\n"
    "    sso:\n"
    "      hosts: [wiki.example.com]\n"
    "      upstream: {url: \"https://app\", ca: ca.pem}\n"
    "      session_cookies: [sid]\n"
    "      unbound: refuse\n"
    "      identity: [{saml: {acs: [/acs], idp_certificates: [okta.pem], idp_entity: i, audience: a}}]\n"
    "    prov: {hosts: [p.example.com], tokens_file: wiki-tokens}\n";

static const char *name_of(struct place *place, const char *name)
{
    return gw_arena_printf(&place->arena, "%s/%s", place->folder, name).ptr;
}

static void write_certificate(struct place *place, const char *name, EVP_PKEY *key, long from_s, long until_s)
{
    X509 *certificate = X509_new();
    assert_non_null(certificate);
    assert_int_equal(X509_set_version(certificate, 2), 1);
    assert_int_equal(ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1), 1);
    assert_non_null(X509_gmtime_adj(X509_getm_notBefore(certificate), from_s));
    assert_non_null(X509_gmtime_adj(X509_getm_notAfter(certificate), until_s));
    assert_int_equal(X509_set_pubkey(certificate, key), 1);
    assert_true(X509_sign(certificate, key, EVP_PKEY_get_base_id(key) == EVP_PKEY_ED25519 ? NULL : EVP_sha256()) > 0);
    FILE *file = fopen(name_of(place, name), "w");
    assert_non_null(file);
    assert_int_equal(PEM_write_X509(file, certificate), 1);
    (void)fclose(file);
    X509_free(certificate);
}

static void write_key(struct place *place, const char *name, EVP_PKEY *key, mode_t mode)
{
    FILE *file = fopen(name_of(place, name), "w");
    assert_non_null(file);
    assert_int_equal(PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL), 1);
    (void)fclose(file);
    assert_int_equal(chmod(name_of(place, name), mode), 0);
}

#define DAY_S 86400L

static EVP_PKEY *good_key;
static EVP_PKEY *other_key;
static EVP_PKEY *weak_key;

static int make_keys(void **state)
{
    (void)state;
    good_key = EVP_EC_gen("P-256");
    other_key = EVP_EC_gen("P-256");
    weak_key = EVP_RSA_gen(1024);
    return good_key != NULL && other_key != NULL && weak_key != NULL ? 0 : -1;
}

static int free_keys(void **state)
{
    (void)state;
    EVP_PKEY_free(good_key);
    EVP_PKEY_free(other_key);
    EVP_PKEY_free(weak_key);
    return 0;
}

static int set_up(void **state)
{
    struct place *place = gw_alloc(sizeof *place);
    gw_arena_init(&place->arena);
    place->folder = unit_folder_new();
    write_certificate(place, "sso.pem", good_key, -DAY_S, 365 * DAY_S);
    write_key(place, "sso.key", good_key, 0600);
    write_certificate(place, "okta.pem", other_key, -DAY_S, 365 * DAY_S);
    write_certificate(place, "ca.pem", other_key, -DAY_S, 365 * DAY_S);
    struct gw_str secret;
    struct gw_error err;
    int failed = token_file_add(name_of(place, "wiki-tokens"), GW_STR("okta"), TOKEN_BEARER, 0, &place->arena, &secret,
                                &err) != GW_OK;
    failed |= token_file_add(name_of(place, "admin-tokens"), GW_STR("me"), TOKEN_BEARER, 0, &place->arena, &secret,
                             &err) != GW_OK;
    *state = place;
    return failed;
}

static int tear_down(void **state)
{
    struct place *place = *state;
    unit_folder_remove(place->folder);
    gw_arena_done(&place->arena);
    free(place);
    return 0;
}

struct findings {
    struct gw_arena *arena;
    struct gw_str errors;
    struct gw_str warnings;
    size_t error_count;
    size_t warning_count;
};

static void on_finding(enum config_severity severity, const char *finding, void *data)
{
    struct findings *findings = data;
    struct gw_str *list = severity == CONFIG_ERROR ? &findings->errors : &findings->warnings;
    *list = gw_arena_printf(findings->arena, "%.*s%s\n", GW_STR_ARG(*list), finding);
    findings->error_count += severity == CONFIG_ERROR;
    findings->warning_count += severity == CONFIG_WARNING;
}

static struct findings check(struct place *place, const char *config_text)
{
    struct findings findings = {.arena = &place->arena, .errors = GW_STR(""), .warnings = GW_STR("")};
    struct config *config = NULL;
    struct gw_error err = {.text = ""};
    if (config_load(name_of(place, "f.yaml"), gw_str_from(config_text), &config, &err) != GW_OK)
        fail_msg("%s", err.text);
    size_t errors = config_check_files(config, on_finding, &findings);
    assert_int_equal(errors, findings.error_count);
    config_unref(config);
    return findings;
}

static void expect_error(struct place *place, const char *where, const char *reason)
{
    struct findings findings = check(place, text);
    assert_int_equal(findings.error_count, 1);
    if (strstr(findings.errors.ptr, where) == NULL || strstr(findings.errors.ptr, reason) == NULL)
        fail_msg("wanted \"%s\" and \"%s\" in %s", where, reason, findings.errors.ptr);
}

static void nothing_is_found_when_all_is_right(void **state)
{
    struct findings findings = check(*state, text);
    assert_str_equal(findings.errors, "");
    assert_str_equal(findings.warnings, "");
}

static void a_missing_file_is_named_with_its_place(void **state)
{
    struct place *place = *state;
    assert_int_equal(unlink(name_of(place, "sso.pem")), 0);
    expect_error(place, "/f.yaml:2:63: sso.listen[0].tls.certificate: ", "No such file");
}

static void each_certificate_of_a_list_is_looked_at(void **state)
{
    struct place *place = *state;
    const char *list = "tls: {certificates: [{certificate: sso.pem, key: sso.key}, {certificate: late.pem, key: "
                       "sso.key}], client_ca: none.pem}}]}\n";
    const char *from = strstr(text, "tls: {"), *to = strchr(from, '\n') + 1;
    write_certificate(place, "late.pem", good_key, -2 * DAY_S, -DAY_S);
    struct findings findings =
        check(place, gw_arena_printf(&place->arena, "%.*s%s%s", (int)(from - text), text, list, to).ptr);
    assert_int_equal(findings.error_count, 2);
    assert_non_null(strstr(findings.errors.ptr, "sso.listen[0].tls.certificates[1].certificate: "));
    assert_non_null(strstr(findings.errors.ptr, "has expired"));
    assert_non_null(strstr(findings.errors.ptr, "sso.listen[0].tls.client_ca: "));
}

static void an_expired_certificate_stops_a_start(void **state)
{
    write_certificate(*state, "sso.pem", good_key, -2 * DAY_S, -DAY_S);
    expect_error(*state, "sso.listen[0].tls.certificate: ", "has expired");
}

static void a_certificate_of_tomorrow_stops_a_start(void **state)
{
    write_certificate(*state, "sso.pem", good_key, DAY_S, 90 * DAY_S);
    expect_error(*state, "sso.listen[0].tls.certificate: ", "is not valid yet");
}

static void a_certificate_that_expires_soon_is_a_warning(void **state)
{
    write_certificate(*state, "sso.pem", good_key, -DAY_S, 3 * DAY_S + 3600);
    struct findings findings = check(*state, text);
    assert_int_equal(findings.error_count, 0);
    assert_non_null(strstr(findings.warnings.ptr, "expires in 3 days"));
}

static void a_weak_key_stops_a_start(void **state)
{
    write_certificate(*state, "sso.pem", weak_key, -DAY_S, 90 * DAY_S);
    write_key(*state, "sso.key", weak_key, 0600);
    expect_error(*state, "sso.listen[0].tls.certificate: ", "too weak");
}

static void a_key_of_another_certificate_stops_a_start(void **state)
{
    write_key(*state, "sso.key", other_key, 0600);
    expect_error(*state, "sso.listen[0].tls.key: ", "does not belong to");
}

static void a_key_that_everybody_can_read_stops_a_start(void **state)
{
    write_key(*state, "sso.key", good_key, 0644);
    expect_error(*state, "sso.listen[0].tls.key: ", "everybody may read");
}

static void a_file_that_is_no_certificate_stops_a_start(void **state)
{
    write_key(*state, "okta.pem", good_key, 0600);
    expect_error(*state, "/f.yaml:12:58: apps[0].sso.identity[0].saml.idp_certificates[0]: ", "no PEM certificate");
}

static void an_expired_identity_provider_certificate_is_a_warning(void **state)
{
    write_certificate(*state, "okta.pem", other_key, -2 * DAY_S, -DAY_S);
    struct findings findings = check(*state, text);
    assert_int_equal(findings.error_count, 0);
    assert_non_null(strstr(findings.warnings.ptr, "has expired"));
}

static void a_weak_identity_provider_key_stops_a_start(void **state)
{
    write_certificate(*state, "okta.pem", weak_key, -DAY_S, DAY_S * 90);
    expect_error(*state, "idp_certificates[0]: ", "too weak");
}

static void an_identity_provider_key_that_cannot_be_verified_stops_a_start(void **state)
{
    EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    write_certificate(*state, "okta.pem", key, -DAY_S, DAY_S * 90);
    expect_error(*state, "idp_certificates[0]: ", "RSA or EC is needed");
    EVP_PKEY_free(key);
}

static void a_missing_upstream_ca_stops_a_start(void **state)
{
    assert_int_equal(unlink(name_of(*state, "ca.pem")), 0);
    expect_error(*state, "apps[0].sso.upstream.ca: ", "No such file");
}

/* `text` with another upstream. */
static struct findings check_upstream(struct place *place, const char *upstream)
{
    static const char old[] = "{url: \"https://app\", ca: ca.pem}";
    const char *at = strstr(text, old);
    assert_non_null(at);
    return check(place,
                 gw_arena_printf(&place->arena, "%.*s%s%s", (int)(at - text), text, upstream, at + sizeof old - 1).ptr);
}

static void our_certificate_for_an_app_is_looked_at(void **state)
{
    struct findings findings = check_upstream(*state, "{url: \"https://app\", certificate: sso.pem, key: sso.key}");
    assert_str_equal(findings.errors, "");
    assert_str_equal(findings.warnings, "");
    findings = check_upstream(*state, "{url: \"http://app\", certificate: none.pem, key: sso.key}");
    assert_non_null(strstr(findings.errors.ptr, "apps[0].sso.upstream.certificate: "));
    assert_non_null(strstr(findings.warnings.ptr, "no server is asked over https"));
    write_key(*state, "sso.key", good_key, 0644);
    findings = check_upstream(*state, "{url: \"https://app\", certificate: sso.pem, key: sso.key}");
    assert_non_null(strstr(findings.errors.ptr, "apps[0].sso.upstream.key: "));
}

static void affinity_of_one_server_is_warned_of(void **state)
{
    struct findings findings = check_upstream(*state, "{url: \"http://app\", affinity: {cookie: JSESSIONID}}");
    assert_str_equal(findings.errors, "");
    assert_non_null(strstr(findings.warnings.ptr, "apps[0].sso.upstream.affinity: there is one server only"));
}

static void a_missing_tokens_file_stops_a_start(void **state)
{
    assert_int_equal(unlink(name_of(*state, "wiki-tokens")), 0);
    expect_error(*state, "/f.yaml:13:49: apps[0].prov.tokens_file: ", "No such file");
}

static void an_empty_tokens_file_stops_a_start(void **state)
{
    assert_int_equal(truncate(name_of(*state, "wiki-tokens"), 0), 0);
    expect_error(*state, "apps[0].prov.tokens_file: ", "provgate token new --app wiki");
}

static void a_tokens_file_that_everybody_can_read_stops_a_start(void **state)
{
    assert_int_equal(chmod(name_of(*state, "admin-tokens"), 0604), 0);
    expect_error(*state, "admin.tokens_file: ", "everybody may read");
}

static void a_missing_admin_tokens_file_is_a_warning(void **state)
{
    assert_int_equal(unlink(name_of(*state, "admin-tokens")), 0);
    struct findings findings = check(*state, text);
    assert_int_equal(findings.error_count, 0);
    assert_non_null(strstr(findings.warnings.ptr, "the admin API is closed except /healthz"));
}

static const char *replaced(struct place *place, const char *from, const char *to)
{
    const char *at = strstr(text, from);
    assert_non_null(at);
    return gw_arena_printf(&place->arena, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from)).ptr;
}

static void write_page(struct place *place, const char *name, const char *start, size_t size)
{
    FILE *file = fopen(name_of(place, name), "w");
    assert_non_null(file);
    assert_int_equal(fputs(start, file) >= 0, 1);
    for (size_t i = strlen(start); i < size; i++)
        assert_int_equal(fputc(' ', file), ' ');
    assert_int_equal(fclose(file), 0);
}

static void a_refusal_page_that_cannot_be_used_stops_a_start(void **state)
{
    static const struct {
        const char *start;
        size_t size;
        const char *error;
    } rows[] = {
        {"", 0, "page.html is empty"},
        {"<p>{{reference}}", CONFIG_REFUSAL_PAGE_BYTES_MAX + 1, "page.html is larger than 256 KiB"},
        {"\xff{{reference}}", 0, "page.html is not UTF-8"},
    };
    struct place *place = *state;
    const char *with_page = replaced(place, "unbound: refuse", "unbound: refuse\n      refusal: {page: page.html}");
    struct findings findings = check(place, with_page);
    assert_non_null(strstr(findings.errors.ptr, "apps[0].sso.refusal.page: "));
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        write_page(place, "page.html", rows[i].start, rows[i].size);
        findings = check(place, with_page);
        assert_int_equal(findings.error_count, 1);
        if (strstr(findings.errors.ptr, rows[i].error) == NULL)
            fail_msg("row %zu: %s", i, findings.errors.ptr);
    }
    write_page(place, "page.html", "<p>{{reference}}", CONFIG_REFUSAL_PAGE_BYTES_MAX);
    assert_int_equal(check(place, with_page).error_count, 0);
}

static void an_access_log_that_cannot_be_written_stops_a_start(void **state)
{
    struct place *place = *state;
    const char *wrong = replaced(place, "sso.key}}]}", "sso.key}}], access_log: {file: no/folder/a.log}}");
    struct findings findings = check(place, wrong);
    assert_int_equal(findings.error_count, 1);
    assert_non_null(strstr(findings.errors.ptr, "sso.access_log.file: "));
    assert_int_equal(check(place, replaced(place, "sso.key}}]}", "sso.key}}], access_log: {file: a.log}}")).error_count,
                     0);
    assert_int_equal(check(place, replaced(place, "sso.key}}]}", "sso.key}}], access_log: off}")).error_count, 0);
}

static void what_protects_nobody_is_said(void **state)
{
    static const struct {
        const char *from;
        const char *to;
        const char *warning;
    } rows[] = {
        {"unbound: refuse", "unbound: pass", "apps[0].sso.unbound: pass does not stop a hostile user"},
        {"audience: a", "audience: a, gate: observe", "saml.gate: observe forwards sign-ons that fail"},
        {"unbound: refuse", "unbound: refuse\n      deactivated: report", "report lets deactivated users in"},
        {"unbound: refuse", "unbound: refuse\n      refusal: {page: bare.html}",
         "bare.html does not show {{reference}}"},
        {"wiki-tokens}", "wiki-tokens, policy: {retain: 30d}}", "policy.retain: says nothing without after_retention"},
        {"wiki-tokens}", "wiki-tokens, policy: {retain: 2h, after_retention: delete}}", "is less than a day"},
        {"127.0.0.1:8081", "0.0.0.0:8081", "prov.listen[0]: 0.0.0.0:8081 has no tls"},
        {"127.0.0.1:9901", "0.0.0.0:9901", "admin.listen: 0.0.0.0:9901 can be reached from other machines"},
        {"\"127.0.0.1:8081\"}", "\"127.0.0.1:8081\", tls: {certificate: sso.pem, key: sso.key}}",
         "is the certificate of sso.listen[0] too"},
    };
    struct place *place = *state;
    write_page(place, "bare.html", "<p>no", 0);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct findings findings = check(place, replaced(place, rows[i].from, rows[i].to));
        assert_int_equal(findings.error_count, 0);
        assert_int_equal(findings.warning_count, 1);
        if (strstr(findings.warnings.ptr, rows[i].warning) == NULL)
            fail_msg("row %zu: %s", i, findings.warnings.ptr);
    }
}

static void a_face_without_anyone_who_deactivates_is_said(void **state)
{
    struct place *place = *state;
    const char *without = replaced(place, "    prov: {hosts: [p.example.com], tokens_file: wiki-tokens}\n", "");
    struct findings findings = check(place, without);
    assert_non_null(strstr(findings.warnings.ptr, "nobody will ever be deactivated"));
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CASE(nothing_is_found_when_all_is_right),
        CASE(a_missing_file_is_named_with_its_place),
        CASE(each_certificate_of_a_list_is_looked_at),
        CASE(an_expired_certificate_stops_a_start),
        CASE(a_certificate_of_tomorrow_stops_a_start),
        CASE(a_certificate_that_expires_soon_is_a_warning),
        CASE(a_weak_key_stops_a_start),
        CASE(a_key_of_another_certificate_stops_a_start),
        CASE(a_key_that_everybody_can_read_stops_a_start),
        CASE(a_file_that_is_no_certificate_stops_a_start),
        CASE(an_expired_identity_provider_certificate_is_a_warning),
        CASE(a_weak_identity_provider_key_stops_a_start),
        CASE(an_identity_provider_key_that_cannot_be_verified_stops_a_start),
        CASE(a_missing_upstream_ca_stops_a_start),
        CASE(our_certificate_for_an_app_is_looked_at),
        CASE(affinity_of_one_server_is_warned_of),
        CASE(a_missing_tokens_file_stops_a_start),
        CASE(an_empty_tokens_file_stops_a_start),
        CASE(a_tokens_file_that_everybody_can_read_stops_a_start),
        CASE(a_missing_admin_tokens_file_is_a_warning),
        CASE(a_refusal_page_that_cannot_be_used_stops_a_start),
        CASE(an_access_log_that_cannot_be_written_stops_a_start),
        CASE(what_protects_nobody_is_said),
        CASE(a_face_without_anyone_who_deactivates_is_said),
    };
    return cmocka_run_group_tests(tests, make_keys, free_keys);
}
