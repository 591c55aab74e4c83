/* admin: what operators reach on loopback or a UNIX socket: /healthz without a credential, /metrics with an admin
 * token. Its own loop only. */
#pragma once

#include "config/config.h"
#include "gateway/base/metrics.h"
#include "gateway/base/result.h"
#include "gateway/http/exchange.h"
#include "store/store.h"

struct admin_face;

struct admin_settings {
    struct config *config;
    struct store *store;
    const struct gw_metrics *metrics;
    /* Is the sso child up? Read from shared memory by whoever owns it. */
    bool (*is_sso_up)(void *data);
    void *data;
};

GW_MUST_CHECK enum gw_code admin_face_new(const struct admin_settings *settings, struct admin_face **ret_face,
                                          struct gw_error *err);
void admin_face_free(struct admin_face *face);

extern const struct http_face admin_http_face;
