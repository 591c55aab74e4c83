/* sockets: the listening sockets that the parent holds, each under its address as the configuration writes it and under
 * who accepts on it. They outlive children, configurations and versions of the program; an address never passes from
 * one face to the other (law 5). Also what the parent keeps its descriptors with. One thread. */
#pragma once

#include "config/config.h"
#include "gateway/base/result.h"

enum socket_use { SOCKET_SSO, SOCKET_PROV, SOCKET_ADMIN };
#define SOCKETS_MAX (2u * (2u * CONFIG_LISTENERS_MAX + 1u)) /* of two configurations */

struct sockets {
    struct socket_entry {
        enum socket_use use;
        char *address;
        int fd;
    } list[SOCKETS_MAX];
    size_t count;
};

const char *socket_use_name(enum socket_use use); /* "sso", "prov", "admin" */

/* Opens what the configuration names and is not open. The error begins with where the address stands. */
GW_MUST_CHECK enum gw_code sockets_open(struct sockets *sockets, const struct config *config, struct gw_error *err);
/* Takes over an open one; false when there is no room. */
bool sockets_add(struct sockets *sockets, enum socket_use use, const char *address, int fd);
int sockets_find(const struct sockets *sockets, enum socket_use use, const char *address); /* -1: none */
/* Closes what the configuration does not name; NULL: all. */
void sockets_keep(struct sockets *sockets, const struct config *config);

/* The parent keeps its own descriptors above this, so that laying them out for a child never overwrites one. */
#define DESCRIPTOR_HIGH 200
/* Moves a descriptor above it and marks it close-on-exec; the copy that a child gets is not marked. -1 stays -1. */
int descriptor_keep_high(int fd);
/* Anonymous memory of so many bytes, zeroed, above it; -1 on failure. */
int descriptor_memory(const char *name, size_t bytes);
