/* privilege: giving up what a start as root brings. With the key `user` the process becomes that user for good: groups,
 * gid, uid, no capability, and no program that it executes gets any back. Without it, root stays root, which is said
 * loudly, but keeps only the capabilities that opening its own files and ports needs. Main thread, before any other. */
#pragma once

#include "config/config.h"

/* Not as root: only checks that `user`, if it is named, is who runs this. GW_E_CONFIG when there is no such user. */
GW_MUST_CHECK enum gw_code privilege_drop(const struct config *config, struct gw_error *err);

/* No memory of this process in a core file or under a debugger of the same user (security.md D8). After every exec. */
void privilege_hide_memory(void);
