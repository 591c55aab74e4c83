/* What only the files and the clock can tell: certificates, keys, credentials. */
#include "config/config.h"
#include "config/node.h"
#include "config/tokens.h"
#include "config/value.h"

#include "gateway/base/clock.h"
#include "gateway/base/text.h"
#include "gateway/jwt/jwks.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>
#include <unistd.h>

#define RSA_BITS_MIN 2048
#define EC_BITS_MIN 224
#define PEM_BYTES_MAX (1024 * 1024)
/* 2024-01-01: before it the clock is wrong, and nothing that expires can be judged (security.md L2). */
#define CLOCK_MIN_MS 1704067200000ll

struct check {
    const struct config *config;
    config_finding_fn on_finding;
    void *data;
    size_t errors;
    struct gw_arena arena;
};

static void GW_PRINTF(4, 5)
    find(struct check *check, enum config_severity severity, const char *key, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    struct gw_str reason = gw_arena_vprintf(&check->arena, fmt, args);
    va_end(args);
    struct gw_str where = config_where(check->config, &check->arena, key);
    struct gw_str text = gw_arena_printf(&check->arena, "%.*s: %.*s", GW_STR_ARG(where), GW_STR_ARG(reason));
    check->errors += severity == CONFIG_ERROR;
    if (check->on_finding != NULL)
        check->on_finding(severity, text.ptr, check->data);
}

#define KEY(check, ...) (gw_arena_printf(&(check)->arena, __VA_ARGS__).ptr)

/* Opened once and read from there, so that what is judged is what was opened. */
static BIO *open_file(struct check *check, const char *key, const char *path, bool is_secret)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat info;
    if (fd < 0) {
        find(check, CONFIG_ERROR, key, "%s cannot be read: %s", path, strerror(errno));
        return NULL;
    }
    BIO *bio = NULL;
    FILE *file = NULL;
    if (fstat(fd, &info) != 0 || !S_ISREG(info.st_mode) || info.st_size > PEM_BYTES_MAX)
        find(check, CONFIG_ERROR, key, "%s is not a file of at most %d bytes", path, PEM_BYTES_MAX);
    else if (is_secret && (info.st_mode & S_IRWXO) != 0)
        find(check, CONFIG_ERROR, key, "%s: everybody may read or change it (mode %04o); chmod 600 it", path,
             (unsigned)(info.st_mode & 07777));
    else if ((file = fdopen(fd, "r")) != NULL)
        bio = BIO_new_fp(file, BIO_CLOSE);
    if (file == NULL)
        (void)close(fd);
    return bio;
}

static bool key_is_strong(EVP_PKEY *key)
{
    int type = EVP_PKEY_get_base_id(key);
    int bits = EVP_PKEY_get_bits(key);
    if (type == EVP_PKEY_RSA || type == EVP_PKEY_RSA_PSS)
        return bits >= RSA_BITS_MIN;
    return type == EVP_PKEY_ED25519 || type == EVP_PKEY_ED448 || (type == EVP_PKEY_EC && bits >= EC_BITS_MIN);
}

static int64_t days_left(const ASN1_TIME *until)
{
    int days = 0;
    int seconds = 0;
    if (ASN1_TIME_diff(&days, &seconds, NULL, until) == 0)
        return -1;
    return days > 0 || (days == 0 && seconds > 0) ? days : -1;
}

#define EXPIRY_WARNING_DAYS 14

static void check_dates(struct check *check, const char *key, const char *path, X509 *certificate,
                        enum config_severity severity)
{
    int64_t days = days_left(X509_get0_notAfter(certificate));
    if (days < 0)
        find(check, severity, key, "the certificate %s has expired", path);
    else if (days < EXPIRY_WARNING_DAYS)
        find(check, CONFIG_WARNING, key, "the certificate %s expires in %lld days", path, (long long)days);
    if (days_left(X509_get0_notBefore(certificate)) >= 0)
        find(check, severity, key, "the certificate %s is not valid yet", path);
}

static X509 *read_certificate(struct check *check, const char *key, const char *path, enum config_severity severity)
{
    BIO *bio = open_file(check, key, path, false);
    if (bio == NULL)
        return NULL;
    X509 *certificate = PEM_read_bio_X509(bio, NULL, NULL, NULL);
    (void)BIO_free(bio);
    ERR_clear_error();
    if (certificate == NULL) {
        find(check, CONFIG_ERROR, key, "%s holds no PEM certificate", path);
        return NULL;
    }
    check_dates(check, key, path, certificate, severity);
    EVP_PKEY *public_key = X509_get0_pubkey(certificate);
    if (public_key == NULL || !key_is_strong(public_key))
        find(check, CONFIG_ERROR, key, "the key of %s is too weak or of an unknown kind (RSA %d bits, EC %d or more)",
             path, RSA_BITS_MIN, EC_BITS_MIN);
    return certificate;
}

/* A key with a passphrase must not wait for a terminal. */
static int no_passphrase(char *buf, int size, int writing, void *data)
{
    (void)buf;
    (void)size;
    (void)writing;
    (void)data;
    return -1;
}

static void check_pair(struct check *check, const char *prefix, const struct config_tls *tls)
{
    if (tls->certificate == NULL)
        return;
    const char *key_key = KEY(check, "%s.key", prefix);
    X509 *certificate = read_certificate(check, KEY(check, "%s.certificate", prefix), tls->certificate, CONFIG_ERROR);
    BIO *bio = open_file(check, key_key, tls->key, true);
    EVP_PKEY *key = bio != NULL ? PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL) : NULL;
    ERR_clear_error();
    if (bio != NULL && key == NULL)
        find(check, CONFIG_ERROR, key_key, "%s holds no PEM private key without a passphrase", tls->key);
    if (key != NULL && certificate != NULL && X509_check_private_key(certificate, key) != 1)
        find(check, CONFIG_ERROR, key_key, "the key %s does not belong to the certificate %s", tls->key,
             tls->certificate);
    ERR_clear_error();
    (void)BIO_free(bio);
    EVP_PKEY_free(key);
    X509_free(certificate);
}

static void check_tls(struct check *check, const char *prefix, const struct config_tls *tls)
{
    bool is_list = config_node_find(check->config->root, KEY(check, "%s.certificates", prefix)) != NULL;
    for (size_t i = 0; i < tls->pair_count; i++) {
        const struct config_tls pair = {.certificate = tls->pairs[i].certificate, .key = tls->pairs[i].key};
        check_pair(check, is_list ? KEY(check, "%s.certificates[%zu]", prefix, i) : prefix, &pair);
    }
    if (tls->client_ca != NULL)
        X509_free(read_certificate(check, KEY(check, "%s.client_ca", prefix), tls->client_ca, CONFIG_ERROR));
}

static void check_listeners(struct check *check, const char *face, const struct config_listener *listeners,
                            size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const char *prefix = KEY(check, "%s.listen[%zu]", face, i);
        struct config_address address;
        (void)config_address_parse(&check->arena, gw_str_from(listeners[i].address), &address);
        if (listeners[i].tls.certificate == NULL && !address.is_loopback)
            find(check, CONFIG_WARNING, prefix, "%s has no tls; what passes there can be read on the way",
                 listeners[i].address);
        check_tls(check, KEY(check, "%s.tls", prefix), &listeners[i].tls);
    }
}

static bool share_certificate(const struct config_tls *one, const struct config_tls *other)
{
    for (size_t i = 0; i < one->pair_count; i++) {
        for (size_t j = 0; j < other->pair_count; j++) {
            if (strcmp(one->pairs[i].certificate, other->pairs[j].certificate) == 0)
                return true;
        }
    }
    return false;
}

/* Two faces with one certificate can be coalesced into one connection by a browser (security.md 1.1). */
static void check_shared_certificates(struct check *check)
{
    const struct config *config = check->config;
    for (size_t i = 0; i < config->prov_listener_count; i++) {
        for (size_t j = 0; j < config->sso_listener_count; j++) {
            if (share_certificate(&config->prov_listeners[i].tls, &config->sso_listeners[j].tls))
                find(check, CONFIG_WARNING, KEY(check, "prov.listen[%zu].tls.certificate", i),
                     "is the certificate of sso.listen[%zu] too; the hidden face should have its own", j);
        }
    }
}

#define RETAIN_SHORT_MS (24 * 60 * 60 * 1000ll)

/* Whoever wrote a time alone believes that something ends then; and a short one cannot be taken back. */
static void check_policy(struct check *check, size_t app)
{
    const struct config_policy *policy = &check->config->apps[app].prov.policy;
    const char *key = KEY(check, "apps[%zu].prov.policy.retain", app);
    const char *after = KEY(check, "apps[%zu].prov.policy.after_retention", app);
    const struct config_node *root = check->config->root;
    if (config_node_find(root, key) != NULL && config_node_find(root, after) == NULL)
        find(check, CONFIG_WARNING, key, "says nothing without after_retention: records are kept for good");
    if (policy->after_retention != CONFIG_RETENTION_KEEP && policy->retain_ms < RETAIN_SHORT_MS)
        find(check, CONFIG_WARNING, key, "is less than a day: a deactivation by mistake cannot be taken back for long");
}

/* A set of keys that is wrong stops a start; an address is not asked here. */
static void check_keys(struct check *check, const char *prefix, const struct config_keys *keys)
{
    if (keys->ca != NULL)
        X509_free(read_certificate(check, KEY(check, "%s.ca", prefix), keys->ca, CONFIG_ERROR));
    if (keys->file == NULL)
        return;
    const char *key = KEY(check, "%s.file", prefix);
    BIO *file = open_file(check, key, keys->file, false);
    if (file == NULL)
        return;
    char *text = gw_arena_alloc(&check->arena, JWKS_BYTES_MAX + 2);
    int len = BIO_read(file, text, (int)JWKS_BYTES_MAX + 1);
    BIO_free(file);
    struct jwks *set = NULL;
    struct gw_error err = {.text = ""};
    if (jwks_parse(gw_str_n(text, len > 0 ? (size_t)len : 0), &set, &err) != GW_OK)
        find(check, CONFIG_ERROR, key, "%s: %s", keys->file, err.text);
    jwks_unref(set);
}

static void check_gate(struct check *check, const char *prefix, enum config_gate gate)
{
    if (gate == CONFIG_GATE_OBSERVE)
        find(check, CONFIG_WARNING, KEY(check, "%s.gate", prefix),
             "observe forwards sign-ons that fail verification and binds nothing then: it protects nobody yet");
}

static void check_idp_certificate(struct check *check, const char *key, const char *path)
{
    /* Expiry is a warning: the key is pinned, and refusing to start would be a total outage (semantics.md 7). */
    X509 *certificate = read_certificate(check, key, path, CONFIG_WARNING);
    EVP_PKEY *public_key = certificate != NULL ? X509_get0_pubkey(certificate) : NULL;
    int type = public_key != NULL ? EVP_PKEY_get_base_id(public_key) : EVP_PKEY_RSA;
    if (type != EVP_PKEY_RSA && type != EVP_PKEY_EC)
        find(check, CONFIG_ERROR, key, "the key of %s signs in a way that is not verified: RSA or EC is needed", path);
    X509_free(certificate);
}

static void check_saml(struct check *check, const char *prefix, const struct config_saml *saml)
{
    for (size_t i = 0; i < saml->idp_certificate_count; i++)
        check_idp_certificate(check, KEY(check, "%s.idp_certificates[%zu]", prefix, i), saml->idp_certificates[i]);
    check_gate(check, prefix, saml->gate);
}

static bool folder_has_prov_face(const struct config *config, const char *folder)
{
    for (size_t i = 0; i < config->app_count; i++) {
        if (config->apps[i].prov.is_present && strcmp(config->apps[i].folder, folder) == 0)
            return true;
    }
    return false;
}

/* The operator's own page: what starting would refuse, and a page on which nobody finds the reference. */
static void check_refusal(struct check *check, const char *key, const char *path)
{
    BIO *file = open_file(check, key, path, false);
    if (file == NULL)
        return;
    char *text = gw_arena_alloc(&check->arena, CONFIG_REFUSAL_PAGE_BYTES_MAX + 2);
    int len = BIO_read(file, text, (int)CONFIG_REFUSAL_PAGE_BYTES_MAX + 1);
    BIO_free(file);
    if (len <= 0)
        find(check, CONFIG_ERROR, key, "%s is empty", path);
    else if (len > (int)CONFIG_REFUSAL_PAGE_BYTES_MAX)
        find(check, CONFIG_ERROR, key, "%s is larger than 256 KiB", path);
    else if (!gw_utf8_valid(gw_str_n(text, (size_t)len)))
        find(check, CONFIG_ERROR, key, "%s is not UTF-8", path);
    else if (strstr(text, "{{reference}}") == NULL)
        find(check, CONFIG_WARNING, key, "%s does not show {{reference}}: `provgate why` needs it", path);
}

/* The file is made at the start, so its folder must take it. */
static void check_access_log(struct check *check)
{
    const char *path = check->config->access_log.file;
    if (path == NULL)
        return;
    const char *slash = strrchr(path, '/');
    size_t len = slash == NULL ? 0 : slash == path ? 1 : (size_t)(slash - path);
    const char *folder = len == 0 ? "." : gw_arena_cstr(&check->arena, gw_str_n(path, len));
    bool is_file = access(path, F_OK) == 0;
    if (access(is_file ? path : folder, is_file ? W_OK : W_OK | X_OK) != 0)
        find(check, CONFIG_ERROR, "sso.access_log.file", "%s cannot be written: %s", path, strerror(errno));
}

/* Keys that are right and of no use. */
static void check_upstream(struct check *check, const char *prefix, const struct config_upstream *upstream)
{
    struct config_tls own = {.certificate = upstream->certificate, .key = upstream->key};
    size_t https_count = 0;
    for (size_t i = 0; i < upstream->server_count; i++)
        https_count += upstream->servers[i].url.is_https;
    check_pair(check, prefix, &own);
    if (upstream->certificate != NULL && https_count == 0)
        find(check, CONFIG_WARNING, KEY(check, "%s.certificate", prefix), "no server is asked over https");
    if (upstream->affinity_cookie != NULL && upstream->server_count == 1)
        find(check, CONFIG_WARNING, KEY(check, "%s.affinity", prefix), "there is one server only");
}

static void check_sso_face(struct check *check, size_t app, const struct config_sso_face *face)
{
    const char *prefix = KEY(check, "apps[%zu].sso", app);
    if (face->upstream.ca != NULL)
        X509_free(read_certificate(check, KEY(check, "%s.upstream.ca", prefix), face->upstream.ca, CONFIG_ERROR));
    check_upstream(check, KEY(check, "%s.upstream", prefix), &face->upstream);
    if (face->unbound == CONFIG_UNBOUND_PASS)
        find(check, CONFIG_WARNING, KEY(check, "%s.unbound", prefix),
             "pass does not stop a hostile user whose session was never bound to a user; see the coverage figures");
    if (face->refusal.page != NULL)
        check_refusal(check, KEY(check, "%s.refusal.page", prefix), face->refusal.page);
    if (face->deactivated == CONFIG_DEACTIVATED_REPORT)
        find(check, CONFIG_WARNING, KEY(check, "%s.deactivated", prefix), "report lets deactivated users in");
    if (!folder_has_prov_face(check->config, check->config->apps[app].folder))
        find(check, CONFIG_WARNING, prefix, "the folder %s has no prov face: nobody will ever be deactivated",
             check->config->apps[app].folder);
    for (size_t i = 0; i < face->identity_count; i++) {
        const char *identity = KEY(check, "%s.identity[%zu]", prefix, i);
        if (face->identities[i].kind == CONFIG_IDENTITY_SAML)
            check_saml(check, KEY(check, "%s.saml", identity), &face->identities[i].saml);
        if (face->identities[i].kind == CONFIG_IDENTITY_ID_TOKEN) {
            check_keys(check, KEY(check, "%s.id_token.keys", identity), &face->identities[i].id_token.keys);
            check_gate(check, KEY(check, "%s.id_token", identity), face->identities[i].id_token.gate);
        }
    }
}

static void check_prov_face(struct check *check, size_t app, const struct config_prov_face *face)
{
    if (!face->enabled)
        return;
    if (face->logout.is_present)
        check_keys(check, KEY(check, "apps[%zu].prov.logout.keys", app), &face->logout.keys);
    if (face->oauth.is_present)
        check_keys(check, KEY(check, "apps[%zu].prov.oauth.keys", app), &face->oauth.keys);
    if (face->tokens_file == NULL)
        return; /* oauth alone */
    const char *key = KEY(check, "apps[%zu].prov.tokens_file", app);
    struct token_set *set = NULL;
    struct gw_error err;
    if (token_set_load(face->tokens_file, &set, &err) != GW_OK)
        find(check, CONFIG_ERROR, key, "%s", err.text);
    else if (set->count == 0)
        find(check, CONFIG_ERROR, key,
             "%s holds no credential; make one with `provgate token new --app %s --name okta`", face->tokens_file,
             check->config->apps[app].name);
    token_set_free(set);
}

static void check_admin(struct check *check)
{
    const struct config *config = check->config;
    if (config->admin_listen == NULL)
        return;
    struct config_address address;
    (void)config_address_parse(&check->arena, gw_str_from(config->admin_listen), &address);
    if (!address.is_loopback)
        find(check, CONFIG_WARNING, "admin.listen", "%s can be reached from other machines; keep it to loopback",
             config->admin_listen);
    struct token_set *set = NULL;
    struct gw_error err;
    enum gw_code code = GW_E_NOT_FOUND;
    if (config->admin_tokens_file == NULL)
        (void)gw_fail(&err, code, "no tokens file is named");
    else
        code = token_set_load(config->admin_tokens_file, &set, &err);
    if (code == GW_E_NOT_FOUND)
        find(check, CONFIG_WARNING, "admin.tokens_file", "%s; the admin API is closed except /healthz", err.text);
    else if (code != GW_OK)
        find(check, CONFIG_ERROR, "admin.tokens_file", "%s", err.text);
    else if (set->count == 0)
        find(check, CONFIG_WARNING, "admin.tokens_file",
             "%s holds no credential; the admin API is closed except /healthz", config->admin_tokens_file);
    token_set_free(set);
}

size_t config_check_files(const struct config *config, config_finding_fn on_finding, void *data)
{
    struct check check = {.config = config, .on_finding = on_finding, .data = data, .arena = GW_ARENA_INIT};
    if (gw_clock_wall_ms() < CLOCK_MIN_MS)
        find(&check, CONFIG_ERROR, "store", "the clock of this machine is wrong: it stands before 2024");
    check_listeners(&check, "sso", config->sso_listeners, config->sso_listener_count);
    check_listeners(&check, "prov", config->prov_listeners, config->prov_listener_count);
    check_shared_certificates(&check);
    check_admin(&check);
    check_access_log(&check);
    for (size_t i = 0; i < config->app_count; i++) {
        if (config->apps[i].sso.is_present)
            check_sso_face(&check, i, &config->apps[i].sso);
        if (config->apps[i].prov.is_present)
            check_prov_face(&check, i, &config->apps[i].prov);
        check_policy(&check, i);
    }
    gw_arena_done(&check.arena);
    return check.errors;
}
