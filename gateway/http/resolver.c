#include "gateway/http/resolver.h"

#include "gateway/base/arena.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

struct http_resolver {
    struct net_loop_message message; /* first: what comes back from the thread */
    struct net_loop *loop;
    const char *host; /* NULL: nothing to look up */
    char port[8];
    http_resolved_fn on_resolved;
    void *data;
    bool is_running;
    int64_t ended_ms;
    pthread_t thread;
    struct http_addresses found; /* the thread's, until the message has arrived */
};

static bool add_literal(const char *host, uint16_t port, struct http_addresses *addresses)
{
    struct http_address *address = &addresses->list[0];
    struct sockaddr_in *v4 = (struct sockaddr_in *)&address->storage;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&address->storage;
    if (inet_pton(AF_INET, host, &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons(port);
        address->len = sizeof *v4;
    } else if (inet_pton(AF_INET6, host, &v6->sin6_addr) == 1) {
        v6->sin6_family = AF_INET6;
        v6->sin6_port = htons(port);
        address->len = sizeof *v6;
    } else {
        return false;
    }
    addresses->count = 1;
    return true;
}

static enum gw_code add_unix(const char *path, struct http_addresses *addresses, struct gw_error *err)
{
    struct sockaddr_un *address = (struct sockaddr_un *)&addresses->list[0].storage;
    size_t len = strlen(path);
    if (len == 0 || len >= sizeof address->sun_path)
        return gw_fail(err, GW_E_CONFIG, "the upstream's socket path is empty or too long: %s", path);
    address->sun_family = AF_UNIX;
    memcpy(address->sun_path, path, len + 1);
    addresses->list[0].len = sizeof *address;
    addresses->count = 1;
    return GW_OK;
}

enum gw_code http_resolver_new(struct net_loop *loop, const struct http_server_settings *settings,
                               struct http_addresses *ret_addresses, http_resolved_fn on_resolved, void *data,
                               struct http_resolver **ret_resolver, struct gw_error *err)
{
    struct http_resolver *resolver = gw_alloc(sizeof *resolver);
    *ret_resolver = resolver;
    *ret_addresses = (struct http_addresses){0};
    resolver->loop = loop;
    resolver->on_resolved = on_resolved;
    resolver->data = data;
    resolver->ended_ms = INT64_MIN / 2;
    (void)snprintf(resolver->port, sizeof resolver->port, "%u", settings->port);
    if (settings->unix_path != NULL)
        return add_unix(settings->unix_path, ret_addresses, err);
    if (settings->host == NULL || settings->host[0] == '\0')
        return gw_fail(err, GW_E_CONFIG, "the upstream has neither a host nor a socket path");
    if (add_literal(settings->host, settings->port, ret_addresses))
        return GW_OK;
    resolver->host = settings->host;
    (void)http_resolver_start(resolver);
    return GW_OK;
}

static void on_arrival(struct net_loop_message *message)
{
    struct http_resolver *resolver = (struct http_resolver *)message;
    (void)pthread_join(resolver->thread, NULL);
    resolver->is_running = false;
    resolver->ended_ms = net_loop_now_ms(resolver->loop);
    resolver->on_resolved(&resolver->found, resolver->data);
}

static void *look_up(void *data)
{
    struct http_resolver *resolver = data;
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG};
    struct addrinfo *list = NULL;
    resolver->found.count = 0;
    if (getaddrinfo(resolver->host, resolver->port, &hints, &list) != 0)
        list = NULL;
    for (struct addrinfo *at = list; at != NULL && resolver->found.count < HTTP_ADDRESSES_MAX; at = at->ai_next) {
        struct http_address *address = &resolver->found.list[resolver->found.count++];
        memcpy(&address->storage, at->ai_addr, at->ai_addrlen);
        address->len = at->ai_addrlen;
    }
    if (list != NULL)
        freeaddrinfo(list);
    net_loop_post(resolver->loop, &resolver->message);
    return NULL;
}

bool http_resolver_start(struct http_resolver *resolver)
{
    if (resolver->host == NULL)
        return false;
    if (resolver->is_running)
        return true;
    if (net_loop_now_ms(resolver->loop) - resolver->ended_ms < HTTP_RESOLVE_PAUSE_MS)
        return false;
    resolver->message.on_arrival = on_arrival;
    resolver->is_running = pthread_create(&resolver->thread, NULL, look_up, resolver) == 0;
    return resolver->is_running;
}

void http_resolver_free(struct http_resolver *resolver)
{
    if (resolver == NULL)
        return;
    if (resolver->is_running)
        (void)pthread_join(resolver->thread, NULL);
    free(resolver);
}
