#include "gateway/net/tls_tickets.h"

#include "gateway/base/clock.h"
#include "gateway/base/digest.h"
#include "gateway/base/result.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <string.h>

static int ctx_index = -1;
static pthread_once_t ctx_index_once = PTHREAD_ONCE_INIT;

static void make_index(void)
{
    ctx_index = SSL_CTX_get_ex_new_index(0, NULL, NULL, NULL, NULL);
    GW_ASSERT(ctx_index >= 0);
}

void tls_tickets_init(struct tls_tickets *tickets, int64_t now_ms)
{
    GW_ASSERT(pthread_mutex_init(&tickets->lock, NULL) == 0);
    gw_random_bytes(&tickets->current, sizeof tickets->current);
    gw_random_bytes(&tickets->previous, sizeof tickets->previous); /* nobody has a ticket of it */
    tickets->turned_ms = now_ms;
}

void tls_tickets_done(struct tls_tickets *tickets)
{
    gw_secret_wipe(&tickets->current, sizeof tickets->current);
    gw_secret_wipe(&tickets->previous, sizeof tickets->previous);
    (void)pthread_mutex_destroy(&tickets->lock);
}

static void turn(struct tls_tickets *tickets, int64_t now_ms)
{
    int64_t age_ms = now_ms - tickets->turned_ms;
    if (age_ms < TLS_TICKETS_TURN_MS)
        return;
    if (age_ms < 2 * TLS_TICKETS_TURN_MS)
        tickets->previous = tickets->current;
    else
        gw_random_bytes(&tickets->previous, sizeof tickets->previous); /* both have had their time */
    gw_random_bytes(&tickets->current, sizeof tickets->current);
    tickets->turned_ms = now_ms;
}

void tls_tickets_newest(struct tls_tickets *tickets, int64_t now_ms, struct tls_ticket_key *ret_key)
{
    (void)pthread_mutex_lock(&tickets->lock);
    turn(tickets, now_ms);
    *ret_key = tickets->current;
    (void)pthread_mutex_unlock(&tickets->lock);
}

bool tls_tickets_find(struct tls_tickets *tickets, int64_t now_ms, const uint8_t name[TLS_TICKET_NAME_BYTES],
                      struct tls_ticket_key *ret_key, bool *ret_is_newest)
{
    (void)pthread_mutex_lock(&tickets->lock);
    turn(tickets, now_ms);
    *ret_is_newest = memcmp(name, tickets->current.name, TLS_TICKET_NAME_BYTES) == 0;
    bool is_found = *ret_is_newest || memcmp(name, tickets->previous.name, TLS_TICKET_NAME_BYTES) == 0;
    if (is_found)
        *ret_key = *ret_is_newest ? tickets->current : tickets->previous;
    (void)pthread_mutex_unlock(&tickets->lock);
    return is_found;
}

static bool set_mac(EVP_MAC_CTX *mac, struct tls_ticket_key *key)
{
    char digest[] = "SHA256";
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, key->mac, sizeof key->mac),
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_end(),
    };
    return EVP_MAC_CTX_set_params(mac, params) == 1;
}

/* SSL_CTX_set_tlsext_ticket_key_evp_cb(3): 1 use it, 2 use it and give a new one, 0 not known, -1 failed. */
static int on_ticket(SSL *ssl, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac,
                     int is_new)
{
    struct tls_tickets *tickets = SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), ctx_index);
    struct tls_ticket_key key;
    bool is_newest = true;
    int64_t now_ms = gw_clock_mono_ms();
    if (tickets == NULL)
        return -1;
    if (is_new) {
        tls_tickets_newest(tickets, now_ms, &key);
        memcpy(name, key.name, sizeof key.name);
        gw_random_bytes(iv, (size_t)EVP_CIPHER_get_iv_length(EVP_aes_256_cbc()));
    } else if (!tls_tickets_find(tickets, now_ms, name, &key, &is_newest)) {
        return 0;
    }
    bool is_set = EVP_CipherInit_ex(cipher, EVP_aes_256_cbc(), NULL, key.cipher, iv, is_new) == 1 && set_mac(mac, &key);
    gw_secret_wipe(&key, sizeof key);
    return !is_set ? -1 : is_newest ? 1 : 2;
}

void tls_tickets_use(struct tls_tickets *tickets, SSL_CTX *ctx)
{
    (void)pthread_once(&ctx_index_once, make_index);
    GW_ASSERT(SSL_CTX_set_ex_data(ctx, ctx_index, tickets) == 1);
    (void)SSL_CTX_set_tlsext_ticket_key_evp_cb(ctx, on_ticket);
}
