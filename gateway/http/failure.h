/* failure: why an upstream did not serve an exchange, or did not finish its answer. One word for logs and metrics and a
 * sentence for operators; neither ever reaches a user, and neither holds a byte that an upstream sent. Any thread. */
#pragma once

#include "gateway/base/result.h"

#include <stdbool.h>

/*  constant, word */
#define HTTP_FAILURE_MAP(XX)                                                                                           \
    XX(NAME, "name")                       /* the host name leads nowhere */                                           \
    XX(REFUSED, "connect-refused")         /* nobody listens there */                                                  \
    XX(CONNECT, "connect-failed")          /* no connection for another reason */                                      \
    XX(CONNECT_TIMEOUT, "connect-timeout") /* the TLS handshake included */                                            \
    XX(TLS, "tls")                         /* no handshake, or a certificate that is not believed */                   \
    XX(BUSY, "busy")                       /* no connection became free in time */                                     \
    XX(OWN, "own")                         /* our own descriptors, ports or memory: says nothing about the server */   \
    XX(CLOSED, "closed")                   /* the connection ended before an answer head */                            \
    XX(MALFORMED, "malformed")             /* an answer head that cannot be believed */                                \
    XX(HEAD_TIMEOUT, "head-timeout")       /* no answer head in time */                                                \
    XX(BODY_TIMEOUT, "body-timeout")       /* the answer's body stood still */                                         \
    XX(BODY_CLOSED, "body-closed")         /* the answer's body ended early */                                         \
    XX(BODY_MALFORMED, "body-malformed")   /* its chunks are not chunks */

enum http_failure {
    HTTP_FAILURE_NONE,
#define XX(constant, word) HTTP_FAILURE_##constant,
    HTTP_FAILURE_MAP(XX)
#undef XX
        HTTP_FAILURE_COUNT
};

const char *http_failure_word(enum http_failure failure);
enum gw_code http_failure_code(enum http_failure failure); /* what a user is told: 502, 503 or 504 */

/* What an errno of socket() or connect() means, and its text, which needs not be freed. */
enum http_failure http_failure_of_errno(int error);
const char *http_failure_errno_text(int error);
