/* servers: the servers of an app, from the configuration to what the loops share (gateway/http/servers.h) and to one
 * loop's upstream; and which of them a person's requests go to. A session of an app may live in the memory of the
 * server that made it, so the digest of the app's own cookie says where its requests go: of the cookie that the
 * configuration names, else of the session cookies. Nothing is added to what app and browser exchange (law 1). */
#pragma once

#include "gateway/sso/request.h"

/* Into `app`: TLS to each server, what is known of them. */
GW_MUST_CHECK enum gw_code sso_servers_load(struct sso_app *app, struct gw_error *err);
void sso_servers_free(struct sso_app *app); /* after the upstreams of all loops */

GW_MUST_CHECK enum gw_code sso_upstream_new(struct net_loop *loop, const struct sso_app *app,
                                            struct http_upstream **ret_upstream, struct gw_error *err);

/* Where the request goes, as a hint for the upstream; 0: anywhere. What its answer set counts from then on. */
uint64_t sso_affinity_hint(const struct sso_request *rq);
/* The answer's head is here, and with it the server whose sessions these are. */
void sso_affinity_note(struct sso_request *rq, const struct store_session_digest *sessions, size_t count);
