#include "gateway/net/tls_alert.h"

#include <string.h>

/* What OpenSSL wrote last in a handshake, on this thread. */
static _Thread_local struct {
    char bytes[TLS_ALERT_BYTES_MAX];
    size_t len;
    bool is_alert;
} last;

static long on_write(BIO *bio, int operation, const char *bytes, size_t len, int argi, long argl, int result,
                     size_t *processed)
{
    (void)bio, (void)argi, (void)argl, (void)processed;
    if (operation == BIO_CB_WRITE) {
        last.is_alert = false;
        last.len = len <= sizeof last.bytes ? len : 0;
        memcpy(last.bytes, bytes, last.len);
    }
    return result;
}

/* The info callback hears of an alert when it was written. A failing step writes nothing else. */
static void on_progress(const SSL *ssl, int where, int code)
{
    (void)code;
    if ((where & SSL_CB_HANDSHAKE_START) != 0)
        BIO_set_callback_ex(SSL_get_wbio(ssl), on_write);
    else if ((where & SSL_CB_HANDSHAKE_DONE) != 0)
        BIO_set_callback_ex(SSL_get_wbio(ssl), NULL);
    else if (where == SSL_CB_WRITE_ALERT)
        last.is_alert = true;
}

void tls_alert_watch(SSL_CTX *ctx)
{
    SSL_CTX_set_info_callback(ctx, on_progress);
}

struct gw_str tls_alert_take(void)
{
    struct gw_str record = gw_str_n(last.bytes, last.is_alert ? last.len : 0);
    last.is_alert = false;
    return record;
}
