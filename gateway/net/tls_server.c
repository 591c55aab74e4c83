#include "gateway/base/clock.h"
#include "gateway/base/digest.h"
#include "gateway/net/tls_alert.h"
#include "gateway/net/tls_names.h"
#include "gateway/net/tls_private.h"
#include "gateway/net/tls_tickets.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <pthread.h>
#include <stdlib.h>

/* One context per certificate. All hang from the first one, which handshakes begin with, and live until the last
 * connection that began with it has ended. */
struct tls_set {
    struct gw_arena arena;
    size_t count;
    struct tls_entry {
        SSL_CTX *ctx; /* of the first: not a reference */
        struct tls_names names;
        int64_t not_after_ms;
    } entries[TLS_PAIRS_MAX];
};

struct tls_server {
    struct gw_arena arena;
    struct tls_server_settings settings;
    struct tls_pair pairs[TLS_PAIRS_MAX];
    struct gw_sha256 session_id_context;
    struct tls_tickets tickets;
    pthread_mutex_t lock; /* of what follows */
    SSL_CTX *ctx;
};

/* RFC 7301; only what is spoken. */
static const unsigned char alpn_http1[] = {8, 'h', 't', 't', 'p', '/', '1', '.', '1'};
static const unsigned char alpn_http2[] = {2, 'h', '2', 8, 'h', 't', 't', 'p', '/', '1', '.', '1'};

static int set_index = -1;
static pthread_once_t set_index_once = PTHREAD_ONCE_INIT;

/* --- several contexts as one ------------------------------------------------------------------------------------ */

static void free_set(struct tls_set *set)
{
    for (size_t i = 1; i < set->count; i++)
        SSL_CTX_free(set->entries[i].ctx);
    gw_arena_done(&set->arena);
    free(set);
}

static void on_ctx_free(void *ctx, void *set, CRYPTO_EX_DATA *data, int index, long argl, void *argp)
{
    (void)ctx, (void)data, (void)index, (void)argl, (void)argp;
    if (set != NULL)
        free_set(set);
}

static void make_index(void)
{
    set_index = SSL_CTX_get_ex_new_index(0, NULL, NULL, NULL, on_ctx_free);
    GW_ASSERT(set_index >= 0);
}

static struct tls_set *set_of(SSL_CTX *ctx)
{
    return SSL_CTX_get_ex_data(ctx, set_index);
}

static const struct tls_entry *choose_entry(const struct tls_set *set, struct gw_str name)
{
    const struct tls_entry *chosen = &set->entries[0];
    enum tls_name_match best = TLS_NAME_NONE;
    for (size_t i = 0; i < set->count && best != TLS_NAME_EXACT; i++) {
        enum tls_name_match match = tls_names_match(&set->entries[i].names, name);
        if (match > best) {
            best = match;
            chosen = &set->entries[i];
        }
    }
    return chosen;
}

/* RFC 6066 section 3. A name that no certificate has gets the first one: the alert would tell as much. */
static int on_server_name(SSL *ssl, int *alert, void *data)
{
    (void)alert, (void)data;
    const struct tls_set *set = set_of(SSL_get_SSL_CTX(ssl));
    const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    if (set == NULL || name == NULL)
        return SSL_TLSEXT_ERR_NOACK;
    const struct tls_entry *entry = choose_entry(set, gw_str_from(name));
    if (entry != &set->entries[0] && SSL_set_SSL_CTX(ssl, entry->ctx) == NULL)
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    return SSL_TLSEXT_ERR_OK;
}

/* --- one context ------------------------------------------------------------------------------------------------ */

static int choose_protocol(SSL *ssl, const unsigned char **out, unsigned char *out_len, const unsigned char *in,
                           unsigned int in_len, void *data)
{
    (void)ssl;
    const struct tls_server *tls = data;
    const unsigned char *offered = tls->settings.offers_http2 ? alpn_http2 : alpn_http1;
    unsigned int offered_len = tls->settings.offers_http2 ? sizeof alpn_http2 : sizeof alpn_http1;
    unsigned char *chosen = NULL;
    int rc = SSL_select_next_proto(&chosen, out_len, offered, offered_len, in, in_len);
    *out = chosen;
    return rc == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

/* Sessions are kept by the client alone, in tickets under keys of this listener. */
static void separate_sessions(struct tls_server *tls, SSL_CTX *ctx)
{
    (void)SSL_CTX_set_session_id_context(ctx, tls->session_id_context.bytes, SSL_MAX_SID_CTX_LENGTH);
    (void)SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    (void)SSL_CTX_set_num_tickets(ctx, 1);
    tls_tickets_use(&tls->tickets, ctx);
}

static enum gw_code ask_clients(const struct tls_server *tls, SSL_CTX *ctx, struct gw_error *err)
{
    const char *file = tls->settings.client_ca;
    if (file == NULL)
        return GW_OK;
    STACK_OF(X509_NAME) *names = SSL_load_client_CA_file(file);
    if (names == NULL || SSL_CTX_load_verify_locations(ctx, file, NULL) != 1) {
        sk_X509_NAME_pop_free(names, X509_NAME_free);
        return gw_fail(err, GW_E_CONFIG, "%s: the CA certificates cannot be used: %s", file, tls_reason());
    }
    SSL_CTX_set_client_CA_list(ctx, names);
    int mode = SSL_VERIFY_PEER | (tls->settings.requires_client_certificate ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0);
    SSL_CTX_set_verify(ctx, mode, NULL);
    return GW_OK;
}

static int64_t end_of(X509 *certificate)
{
    int days = 0, seconds = 0;
    ASN1_TIME *epoch = ASN1_TIME_set(NULL, 0);
    int rc = ASN1_TIME_diff(&days, &seconds, epoch, X509_get0_notAfter(certificate));
    ASN1_TIME_free(epoch);
    return rc == 1 ? ((int64_t)days * 86400 + seconds) * 1000 : 0;
}

static enum gw_code read_certificate(struct tls_set *set, struct tls_entry *entry, const char *file,
                                     struct gw_error *err)
{
    X509 *certificate = SSL_CTX_get0_certificate(entry->ctx);
    tls_names_read(certificate, &set->arena, &entry->names);
    entry->not_after_ms = end_of(certificate);
    if (entry->not_after_ms <= 0)
        return gw_fail(err, GW_E_CONFIG, "%s: the certificate has no readable end date", file);
    if (entry->not_after_ms <= gw_clock_wall_ms())
        return gw_fail(err, GW_E_CONFIG, "%s: the certificate has expired", file);
    return GW_OK;
}

static SSL_CTX *new_ctx(struct tls_server *tls)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
    GW_ASSERT(ctx != NULL);
    tls_harden(ctx);
    tls_alert_watch(ctx);
    separate_sessions(tls, ctx);
    SSL_CTX_set_alpn_select_cb(ctx, choose_protocol, tls);
    (void)SSL_CTX_set_tlsext_servername_callback(ctx, on_server_name);
    return ctx;
}

/* The set belongs to the first context from the start, so that freeing that one frees all. */
static enum gw_code load(struct tls_server *tls, SSL_CTX **ret_ctx, struct gw_error *err)
{
    struct tls_set *set = gw_alloc(sizeof *set);
    set->arena = (struct gw_arena)GW_ARENA_INIT;
    enum gw_code code = GW_OK;
    for (size_t i = 0; i < tls->settings.pair_count && code == GW_OK; i++) {
        struct tls_entry *entry = &set->entries[i];
        entry->ctx = new_ctx(tls);
        set->count = i + 1;
        if (i == 0)
            GW_ASSERT(SSL_CTX_set_ex_data(entry->ctx, set_index, set) == 1);
        code = tls_pair_load(entry->ctx, tls->pairs[i].certificate, tls->pairs[i].key, err);
        if (code == GW_OK)
            code = read_certificate(set, entry, tls->pairs[i].certificate, err);
        if (code == GW_OK)
            code = ask_clients(tls, entry->ctx, err);
    }
    if (code != GW_OK)
        SSL_CTX_free(set->entries[0].ctx);
    else
        *ret_ctx = set->entries[0].ctx;
    return code;
}

/* --- the server ------------------------------------------------------------------------------------------------- */

static const char *copy_text(struct gw_arena *arena, const char *text)
{
    return text != NULL ? gw_arena_cstr(arena, gw_str_from(text)) : NULL;
}

enum gw_code tls_server_make(const struct tls_server_settings *settings, struct tls_server **ret_tls,
                             struct gw_error *err)
{
    GW_ASSERT(settings->pair_count >= 1 && settings->pair_count <= TLS_PAIRS_MAX);
    (void)pthread_once(&set_index_once, make_index);
    struct tls_server *tls = gw_alloc(sizeof *tls);
    tls->arena = (struct gw_arena)GW_ARENA_INIT;
    tls->settings = *settings;
    tls->settings.client_ca = copy_text(&tls->arena, settings->client_ca);
    tls->settings.face = copy_text(&tls->arena, settings->face);
    tls->settings.pairs = tls->pairs;
    for (size_t i = 0; i < settings->pair_count; i++) {
        tls->pairs[i].certificate = copy_text(&tls->arena, settings->pairs[i].certificate);
        tls->pairs[i].key = copy_text(&tls->arena, settings->pairs[i].key);
    }
    tls->session_id_context = gw_sha256(gw_str_from(settings->face));
    tls_tickets_init(&tls->tickets, gw_clock_mono_ms());
    GW_ASSERT(pthread_mutex_init(&tls->lock, NULL) == 0);
    enum gw_code code = load(tls, &tls->ctx, err);
    if (code != GW_OK)
        tls_server_free(tls);
    else
        *ret_tls = tls;
    return code;
}

enum gw_code tls_server_new(const char *face, const char *certificate_file, const char *key_file,
                            struct tls_server **ret_tls, struct gw_error *err)
{
    struct tls_pair pair = {.certificate = certificate_file, .key = key_file};
    struct tls_server_settings settings = {.face = face, .pairs = &pair, .pair_count = 1};
    return tls_server_make(&settings, ret_tls, err);
}

enum gw_code tls_server_reload(struct tls_server *tls, struct gw_error *err)
{
    SSL_CTX *ctx = NULL;
    GW_TRY(load(tls, &ctx, err));
    (void)pthread_mutex_lock(&tls->lock);
    SSL_CTX *old = tls->ctx;
    tls->ctx = ctx;
    (void)pthread_mutex_unlock(&tls->lock);
    SSL_CTX_free(old);
    return GW_OK;
}

void tls_server_offer_http2(struct tls_server *tls)
{
    tls->settings.offers_http2 = true;
}

void tls_server_free(struct tls_server *tls)
{
    if (tls == NULL)
        return;
    SSL_CTX_free(tls->ctx);
    tls_tickets_done(&tls->tickets);
    (void)pthread_mutex_destroy(&tls->lock);
    gw_arena_done(&tls->arena);
    free(tls);
}

SSL_CTX *tls_server_ctx_take(struct tls_server *tls)
{
    (void)pthread_mutex_lock(&tls->lock);
    SSL_CTX *ctx = tls->ctx;
    GW_ASSERT(SSL_CTX_up_ref(ctx) == 1);
    (void)pthread_mutex_unlock(&tls->lock);
    return ctx;
}

void tls_server_each_file(struct tls_server *tls, tls_file_fn on_file, void *data)
{
    SSL_CTX *ctx = tls_server_ctx_take(tls);
    const struct tls_set *set = set_of(ctx);
    for (size_t i = 0; i < set->count; i++) {
        on_file(tls->pairs[i].certificate, set->entries[i].not_after_ms, data);
        on_file(tls->pairs[i].key, 0, data);
    }
    if (tls->settings.client_ca != NULL)
        on_file(tls->settings.client_ca, 0, data);
    SSL_CTX_free(ctx);
}

enum gw_code tls_not_after_read(const char *file, int64_t *ret_ms, struct gw_error *err)
{
    BIO *bio = BIO_new_file(file, "r");
    X509 *certificate = bio != NULL ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;
    *ret_ms = certificate != NULL ? end_of(certificate) : 0;
    X509_free(certificate);
    (void)BIO_free(bio);
    ERR_clear_error();
    return *ret_ms > 0 ? GW_OK : gw_fail(err, GW_E_CONFIG, "%s: holds no certificate that can be read", file);
}
