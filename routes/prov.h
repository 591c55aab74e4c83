/* prov: the PROV face: what Okta reaches. A request's path: route (listener, host, base path -> app) -> credential ->
 * method and endpoint (a table) -> body up to the route's cap -> handler -> answer, or a change handed to the prov
 * writer and the answer after its commit. Every answer, errors of the HTTP layer included, is SCIM JSON. Its own loop
 * only. */
#pragma once

#include "config/config.h"
#include "gateway/base/result.h"
#include "gateway/http/exchange.h"
#include "store/writer.h"

struct prov_face;

/* Takes a reference on `config`; borrows store, writer and loop. Loads credentials files and makes missing folders. */
GW_MUST_CHECK enum gw_code prov_face_new(struct config *config, struct store *store, struct store_writer *writer,
                                         struct net_loop *loop, struct prov_face **ret_face, struct gw_error *err);
void prov_face_free(struct prov_face *face);

extern const struct http_face prov_http_face;

/* The face_data of a listener. */
struct prov_listener {
    struct prov_face *face;
    const struct config_listener *config;
};

/* When somebody asked for a page of a list that is not its first: monotonic, 0: never. Any thread. */
int64_t prov_face_walked_ms(const struct prov_face *face);

/* Reads the credentials files again when they changed; called every second (security.md D3: an old token is dead within
 * a second). A file that became unreadable or damaged keeps the old set and is logged. */
void prov_face_reload_tokens(struct prov_face *face);
