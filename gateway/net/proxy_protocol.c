#include "gateway/net/proxy_protocol.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#define BINARY_HEAD_BYTES 16u
#define PORT_DIGITS_MAX 5u

enum binary_family { BINARY_UNSPEC, BINARY_INET, BINARY_INET6, BINARY_UNIX };
enum binary_command { BINARY_LOCAL, BINARY_PROXY };

static const struct gw_str text_start = GW_STR_INIT("PROXY ");
static const struct gw_str binary_start = GW_STR_INIT("\r\n\r\n\0\r\nQUIT\n");

/* How much of `start` the input agrees with; false when it does not. */
static bool begins(struct gw_str input, struct gw_str start)
{
    size_t len = input.len < start.len ? input.len : start.len;
    return memcmp(input.ptr, start.ptr, len) == 0;
}

static void set_inet(struct net_proxy_header *header, const void *address, uint16_t port)
{
    struct sockaddr_in *peer = (struct sockaddr_in *)&header->peer;
    peer->sin_family = AF_INET;
    peer->sin_port = htons(port);
    memcpy(&peer->sin_addr, address, sizeof peer->sin_addr);
    header->has_peer = true;
}

static void set_inet6(struct net_proxy_header *header, const void *address, uint16_t port)
{
    struct sockaddr_in6 *peer = (struct sockaddr_in6 *)&header->peer;
    peer->sin6_family = AF_INET6;
    peer->sin6_port = htons(port);
    memcpy(&peer->sin6_addr, address, sizeof peer->sin6_addr);
    header->has_peer = true;
}

/* --- version 1 -------------------------------------------------------------------------------------------------- */

static bool read_address(struct gw_str word, int family, unsigned char address[sizeof(struct in6_addr)])
{
    char text[INET6_ADDRSTRLEN];
    if (word.len == 0 || word.len >= sizeof text)
        return false;
    memcpy(text, word.ptr, word.len);
    text[word.len] = '\0';
    return strlen(text) == word.len && inet_pton(family, text, address) == 1;
}

static bool read_port(struct gw_str word, uint16_t *ret_port)
{
    uint64_t port = 0;
    if (word.len == 0 || word.len > PORT_DIGITS_MAX || (word.len > 1 && word.ptr[0] == '0') ||
        !gw_str_to_u64(word, UINT16_MAX, &port))
        return false;
    *ret_port = (uint16_t)port;
    return true;
}

/* "TCP4 SOURCE DESTINATION PORT PORT", one blank between the words. */
static bool read_words(struct gw_str line, struct net_proxy_header *header)
{
    struct gw_str rest = line;
    struct gw_str protocol = gw_str_split(&rest, ' ');
    if (gw_str_eq(protocol, GW_STR("UNKNOWN")))
        return true; /* whatever follows is to be ignored */
    bool is_inet6 = gw_str_eq(protocol, GW_STR("TCP6"));
    if (!is_inet6 && !gw_str_eq(protocol, GW_STR("TCP4")))
        return false;
    int family = is_inet6 ? AF_INET6 : AF_INET;
    unsigned char source[sizeof(struct in6_addr)], destination[sizeof(struct in6_addr)];
    uint16_t source_port = 0, destination_port = 0;
    if (!read_address(gw_str_split(&rest, ' '), family, source) ||
        !read_address(gw_str_split(&rest, ' '), family, destination) ||
        !read_port(gw_str_split(&rest, ' '), &source_port) || rest.ptr == NULL || !read_port(rest, &destination_port))
        return false;
    (is_inet6 ? set_inet6 : set_inet)(header, source, source_port);
    return true;
}

static enum net_proxy_result read_text(struct gw_str input, struct net_proxy_header *header)
{
    struct gw_str head =
        gw_str_n(input.ptr, input.len < NET_PROXY_TEXT_BYTES_MAX ? input.len : NET_PROXY_TEXT_BYTES_MAX);
    ptrdiff_t end = gw_str_find(head, '\n');
    if (end < 0)
        return head.len == NET_PROXY_TEXT_BYTES_MAX ? NET_PROXY_BAD : NET_PROXY_MORE;
    if ((size_t)end <= text_start.len || head.ptr[end - 1] != '\r')
        return NET_PROXY_BAD;
    header->size = (size_t)end + 1;
    struct gw_str line = gw_str_n(head.ptr + text_start.len, (size_t)end - 1 - text_start.len);
    return gw_str_find(line, '\r') < 0 && read_words(line, header) ? NET_PROXY_DONE : NET_PROXY_BAD;
}

/* --- version 2 -------------------------------------------------------------------------------------------------- */

static uint16_t read_u16(const unsigned char *bytes)
{
    return (uint16_t)(bytes[0] << 8 | bytes[1]);
}

/* The addresses of `family`, which must all be there; TLVs may follow. */
static bool read_binary_peer(unsigned family, const unsigned char *block, size_t size, struct net_proxy_header *header)
{
    static const size_t sizes[] = {
        [BINARY_UNSPEC] = 0, [BINARY_INET] = 2 * 4 + 2 * 2, [BINARY_INET6] = 2 * 16 + 2 * 2, [BINARY_UNIX] = 2 * 108};
    if (family >= sizeof sizes / sizeof *sizes || size < sizes[family])
        return false;
    if (family == BINARY_INET)
        set_inet(header, block, read_u16(block + 8));
    else if (family == BINARY_INET6)
        set_inet6(header, block, read_u16(block + 32));
    return true;
}

static enum net_proxy_result read_binary(struct gw_str input, struct net_proxy_header *header)
{
    const unsigned char *bytes = (const unsigned char *)input.ptr;
    if (input.len < BINARY_HEAD_BYTES)
        return NET_PROXY_MORE;
    unsigned version = bytes[12] >> 4, command = bytes[12] & 15, family = bytes[13] >> 4, transport = bytes[13] & 15;
    size_t size = read_u16(bytes + 14);
    header->size = BINARY_HEAD_BYTES + size;
    if (version != 2 || command > BINARY_PROXY || header->size > NET_PROXY_BYTES_MAX)
        return NET_PROXY_BAD;
    /* Of LOCAL everything else is to be ignored; datagrams carry no connection of ours. */
    bool is_local = command == BINARY_LOCAL;
    bool is_stream = transport == 1 || (transport == 0 && family == BINARY_UNSPEC);
    if (!is_local && !is_stream)
        return NET_PROXY_BAD;
    if (input.len < header->size)
        return NET_PROXY_MORE;
    if (is_local || read_binary_peer(family, bytes + BINARY_HEAD_BYTES, size, header))
        return NET_PROXY_DONE;
    return NET_PROXY_BAD;
}

enum net_proxy_result net_proxy_read(struct gw_str input, struct net_proxy_header *ret_header)
{
    *ret_header = (struct net_proxy_header){0};
    if (input.len == 0)
        return NET_PROXY_MORE;
    if (begins(input, binary_start))
        return read_binary(input, ret_header);
    if (begins(input, text_start))
        return input.len < text_start.len ? NET_PROXY_MORE : read_text(input, ret_header);
    return NET_PROXY_BAD;
}
