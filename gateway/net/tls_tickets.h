/* tls_tickets: the keys of session tickets (RFC 5077, RFC 8446 section 4.6.1) of one listener. Made in memory, never
 * written; shared by the workers of a process; a new one every TLS_TICKETS_TURN_MS, and the one before stays good for
 * as long, so that no key opens more than a day of recorded traffic. Any thread. */
#pragma once

#include <openssl/ssl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#define TLS_TICKETS_TURN_MS (12ll * 3600 * 1000)
#define TLS_TICKET_NAME_BYTES 16
#define TLS_TICKET_KEY_BYTES 32

struct tls_ticket_key {
    uint8_t name[TLS_TICKET_NAME_BYTES];
    uint8_t cipher[TLS_TICKET_KEY_BYTES];
    uint8_t mac[TLS_TICKET_KEY_BYTES];
};

struct tls_tickets {
    pthread_mutex_t lock;
    struct tls_ticket_key current;
    struct tls_ticket_key previous;
    int64_t turned_ms; /* monotonic */
};

void tls_tickets_init(struct tls_tickets *tickets, int64_t now_ms);
void tls_tickets_done(struct tls_tickets *tickets);

/* The key to make a ticket with. */
void tls_tickets_newest(struct tls_tickets *tickets, int64_t now_ms, struct tls_ticket_key *ret_key);
/* The key of that name; false: it is not ours, or too old. */
bool tls_tickets_find(struct tls_tickets *tickets, int64_t now_ms, const uint8_t name[TLS_TICKET_NAME_BYTES],
                      struct tls_ticket_key *ret_key, bool *ret_is_newest);

/* Handshakes of `ctx` use them; `tickets` outlives its connections. */
void tls_tickets_use(struct tls_tickets *tickets, SSL_CTX *ctx);
