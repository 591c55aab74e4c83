/* The PROXY protocol header: what comes in pieces is read as it is at once, never beyond the input, and what follows
 * the header changes nothing. */
#include "gateway/net/proxy_protocol.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK(cond)                                                                                                    \
    do {                                                                                                               \
        if (!(cond))                                                                                                   \
            abort();                                                                                                   \
    } while (0)

/* A copy of its own size, so that a byte read beyond it is seen. */
static enum net_proxy_result read_exactly(const uint8_t *data, size_t size, struct net_proxy_header *header)
{
    char *bytes = malloc(size > 0 ? size : 1);
    CHECK(bytes != NULL);
    memcpy(bytes, data, size);
    enum net_proxy_result result = net_proxy_read(gw_str_n(bytes, size), header);
    free(bytes);
    return result;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct net_proxy_header whole, part;
    enum net_proxy_result result = size > 0 ? read_exactly(data, size, &whole) : NET_PROXY_MORE;
    if (result == NET_PROXY_DONE) {
        CHECK(whole.size <= size && whole.size <= NET_PROXY_BYTES_MAX);
        CHECK(!whole.has_peer || whole.peer.ss_family == AF_INET || whole.peer.ss_family == AF_INET6);
    }
    size_t end = size < NET_PROXY_BYTES_MAX ? size : NET_PROXY_BYTES_MAX;
    if (result == NET_PROXY_MORE)
        CHECK(size < NET_PROXY_BYTES_MAX);
    bool is_over = false;
    for (size_t i = 1; i <= end && !is_over; i++) {
        enum net_proxy_result step = read_exactly(data, i, &part);
        is_over = step != NET_PROXY_MORE;
        if (is_over)
            CHECK(step == result);
        if (step == NET_PROXY_DONE)
            CHECK(part.size == i && part.size == whole.size && memcmp(&part.peer, &whole.peer, sizeof part.peer) == 0);
    }
    CHECK(is_over || result == NET_PROXY_MORE);
    return 0;
}
