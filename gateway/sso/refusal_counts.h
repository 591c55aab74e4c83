/* refusal_counts: refusals that have no activity entry of their own (the first of a session has one): counted by app
 * and reason, and written by the keeper once a minute, one entry for each count that is not 0. Never more entries than
 * apps times reasons, whatever comes. Counting: any loop, without a lock. */
#pragma once

#include "gateway/sso/request.h"

#define SSO_REFUSAL_COUNTS_MS (60 * 1000ll)

/* The request was refused; does nothing when that was noted. */
void sso_refusal_count(struct sso_request *rq, enum sso_refusal refusal);
/* Looked at again in a newer snapshot: whoever is refused must be out there too. Counts it, and returns false when not.
 * Only refusals pay for it. The loop of the reader. */
bool sso_refusal_is_right(struct store_reader *reader, const struct sso_guard *guard);
/* Hands what was counted to the writer, and counts from 0. The keeper's thread. */
void sso_refusal_counts_write(struct sso_shared *shared, int64_t wall_ms);
