/* role: who may be the writer of a face. A lock on a file in the store's directory, which ends with its process.
 * Private to store/. */
#pragma once

#include "store/env.h"
#include "store/writer.h"

/* *ret_fd is closed to give the role back. GW_E_STORE_LOCKED names the process that has it. */
GW_MUST_CHECK enum gw_code store_role_take(const char *path, enum store_role role, int *ret_fd, struct gw_error *err);
