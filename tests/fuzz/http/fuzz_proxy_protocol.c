/* The PROXY protocol header: what comes in pieces is read as it is at once, never beyond the input, and what follows
 * the header changes nothing. */
#include "gateway/http/proxy_protocol.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK(cond)                                                                                                    \
    do {                                                                                                               \
        if (!(cond))                                                                                                   \
            abort();                                                                                                   \
    } while (0)

/* A copy of its own size, so that a byte read beyond it is seen. */
static enum http_proxy_result read_exactly(const uint8_t *data, size_t size, struct http_proxy_header *header)
{
    char *bytes = malloc(size > 0 ? size : 1);
    CHECK(bytes != NULL);
    memcpy(bytes, data, size);
    enum http_proxy_result result = http_proxy_read(gw_str_n(bytes, size), header);
    free(bytes);
    return result;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct http_proxy_header whole, part;
    enum http_proxy_result result = size > 0 ? read_exactly(data, size, &whole) : HTTP_PROXY_MORE;
    if (result == HTTP_PROXY_DONE) {
        CHECK(whole.size <= size && whole.size <= HTTP_PROXY_BYTES_MAX);
        CHECK(!whole.has_peer || whole.peer.ss_family == AF_INET || whole.peer.ss_family == AF_INET6);
    }
    size_t end = size < HTTP_PROXY_BYTES_MAX ? size : HTTP_PROXY_BYTES_MAX;
    if (result == HTTP_PROXY_MORE)
        CHECK(size < HTTP_PROXY_BYTES_MAX);
    bool is_over = false;
    for (size_t i = 1; i <= end && !is_over; i++) {
        enum http_proxy_result step = read_exactly(data, i, &part);
        is_over = step != HTTP_PROXY_MORE;
        if (is_over)
            CHECK(step == result);
        if (step == HTTP_PROXY_DONE)
            CHECK(part.size == i && part.size == whole.size && memcmp(&part.peer, &whole.peer, sizeof part.peer) == 0);
    }
    CHECK(is_over || result == HTTP_PROXY_MORE);
    return 0;
}
