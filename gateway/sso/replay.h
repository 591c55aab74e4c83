/* replay: assertions that were used on a sign-on and whose durable mark is not committed yet. A sign-on takes a mark
 * here, then looks into the store: between them no second use of one assertion passes, on any worker. Marks leave when
 * the store holds them, when nothing was sent to the app, or when the assertion expired. A lock that only sign-ons
 * take. Any thread. */
#pragma once

#include "gateway/base/digest.h"
#include "gateway/sso/handover.h"

#define SSO_REPLAY_MARKS_MAX 65536u /* only verified assertions come here */

struct sso_replay;

struct sso_replay *sso_replay_new(void);
void sso_replay_free(struct sso_replay *replay);
/* No second use passes at any process that shares `marks` either. Before any other thread uses it. */
void sso_replay_share(struct sso_replay *replay, struct sso_marks *marks);

/* False when the assertion is marked already. `forget_after_ms` is wall time, as in the assertion. */
bool sso_replay_take(struct sso_replay *replay, const struct gw_sha256 *assertion, int64_t now_ms,
                     int64_t forget_after_ms);
void sso_replay_forget(struct sso_replay *replay, const struct gw_sha256 *assertion);
