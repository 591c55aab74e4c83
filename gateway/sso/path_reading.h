/* path_reading: does any app read this path as one that is guarded (semantics.md 6)?
 *
 * Readings are combinations of: percent-decoded not at all, once or twice, and before, between and after that: `;`
 * parameters of segments dropped, `\` as `/`, `//` merged, dot segments resolved, `/index.php` before the rest dropped;
 * at the end upper case folded, and a format dropped (`/path.json`). Nothing is changed: what is forwarded are the
 * bytes that came. A plain path leaves at once, without allocation. Pure; any thread. */
#pragma once

#include "gateway/base/str.h"

/* A path with oddities that is longer than this, or has more readings than SSO_PATH_READINGS_MAX, counts as matching:
 * it cannot be read safely, and no app needs it. Plain paths have no limit here. */
#define SSO_PATH_BYTES_MAX 16384
#define SSO_PATH_READINGS_MAX 64

/* Is any reading of `path` (no query) equal to `prefix` or below it? A slash at the end of `prefix` does not count;
 * "" and "/" match every path. */
bool sso_path_under(struct gw_str path, struct gw_str prefix, bool case_insensitive);

/* Is any reading of `path` the path `exact`? What stands behind a script (`/acs.php/x`) counts no more than case and a
 * slash at the end never count here: routers that ignore them are common, and the caller refuses what is equal in this
 * sense but not byte for byte. */
bool sso_path_equals_any_reading(struct gw_str path, struct gw_str exact);
