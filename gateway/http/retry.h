/* retry: what is kept of a request's body for the one retry (http_flow_upstream_failed decides on it). Thread: the
 * loop's. */
#pragma once

#include "gateway/http/exchange_private.h"

/* Is something of it to be given again? */
bool http_replay_is_due(const struct http_flow *flow);
void http_replay_step(struct http_flow *flow, struct http_framing_step *ret_step);

/* Keeps what is being given, or says that it cannot be given again. */
void http_replay_keep(struct http_flow *flow, struct gw_str data);
void http_replay_drop(struct http_flow *flow);
