/* sessions: bound session cookies by digest, ordered a second time by the day they were last seen, so that old ones are
 * found without a scan. Private to store/; the writer's thread only. */
#pragma once

#include "store/apply.h"

#define STORE_DAY_MS (24 * 60 * 60 * 1000ll)

GW_MUST_CHECK enum gw_code store_sessions_load(struct store_view *view, const struct store_session_digest *digest,
                                               struct store_session *ret_session, struct gw_error *err);
/* The last binding wins. */
GW_MUST_CHECK enum gw_code store_sessions_put(struct store_view *view, const struct store_session_digest *digest,
                                              const struct store_session *session, struct gw_error *err);

GW_MUST_CHECK enum gw_code store_sessions_remove(struct store_view *view, const struct store_session_digest *digest,
                                                 const struct store_session *session, struct gw_error *err);

GW_MUST_CHECK enum gw_code store_apply_session_bind(struct store_apply *apply, struct gw_error *err);
GW_MUST_CHECK enum gw_code store_apply_session_seen(struct store_apply *apply, struct gw_error *err);
GW_MUST_CHECK enum gw_code store_apply_session_mark(struct store_apply *apply, struct gw_error *err);

/* For the full scan: the key that this session has in the table of days. */
struct store_key store_session_day_key(const struct store_session_digest *digest, const struct store_session *session);
