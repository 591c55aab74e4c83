/* path_reading: does any app read this path as one that is guarded (semantics.md 6)?
 *
 * Readings are all combinations of: percent-decoded not at all, once or twice; `;` parameters of segments dropped
 * before or after a decoding, or kept; `\` as `/`; `//` merged; dot segments resolved; upper case folded. Nothing is
 * changed: what is forwarded are the bytes that came. A plain path leaves at once. Pure, no allocation; any thread. */
#pragma once

#include "gateway/base/str.h"

/* A longer odd path counts as matching everything: it cannot be read safely. Plain paths have no limit here. */
#define SSO_PATH_BYTES_MAX 16384

/* Is any reading of `path` (no query) equal to `prefix` or below it? A slash at the end of `prefix` does not count;
 * "" and "/" match every path. */
bool sso_path_under(struct gw_str path, struct gw_str prefix, bool case_insensitive);

/* Is any reading of `path` the path `exact`? Case and a slash at the end never count here: routers that ignore them are
 * common, and the caller refuses what is equal in this sense but not byte for byte. */
bool sso_path_equals_any_reading(struct gw_str path, struct gw_str exact);
