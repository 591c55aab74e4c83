#include "gateway/http/failure.h"

#include <errno.h>
#include <string.h>

const char *http_failure_word(enum http_failure failure)
{
    static const char *const words[] = {[HTTP_FAILURE_NONE] = "none",
#define XX(constant, word) [HTTP_FAILURE_##constant] = word,
                                        HTTP_FAILURE_MAP(XX)
#undef XX
    };
    GW_ASSERT(failure < HTTP_FAILURE_COUNT);
    return words[failure];
}

enum gw_code http_failure_code(enum http_failure failure)
{
    bool is_late = failure == HTTP_FAILURE_CONNECT_TIMEOUT || failure == HTTP_FAILURE_BUSY ||
                   failure == HTTP_FAILURE_HEAD_TIMEOUT || failure == HTTP_FAILURE_BODY_TIMEOUT;
    if (failure == HTTP_FAILURE_OWN)
        return GW_E_OVERLOADED;
    return is_late ? GW_E_UPSTREAM_TIMEOUT : GW_E_UPSTREAM;
}

/* EADDRNOTAVAIL: no local port is left (or the host has no such address family, which no other attempt would mend). */
enum http_failure http_failure_of_errno(int error)
{
    static const int own[] = {EMFILE, ENFILE, ENOMEM, ENOBUFS, EADDRNOTAVAIL};
    for (size_t i = 0; i < sizeof own / sizeof own[0]; i++) {
        if (error == own[i])
            return HTTP_FAILURE_OWN;
    }
    if (error == ECONNREFUSED)
        return HTTP_FAILURE_REFUSED;
    return error == ETIMEDOUT ? HTTP_FAILURE_CONNECT_TIMEOUT : HTTP_FAILURE_CONNECT;
}

const char *http_failure_errno_text(int error)
{
    const char *text = strerrordesc_np(error);
    return text != NULL ? text : "unknown error";
}
