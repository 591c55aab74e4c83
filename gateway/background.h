/* background: what the prov child does when nobody asks: ends retention times, and opens brakes that held for max_hold.
 * A thread of its own, with its own reader; it may wait for the writer and never runs long at a stretch. */
#pragma once

#include "config/config.h"
#include "routes/prov.h"
#include "store/writer.h"

struct background;

struct background_settings {
    const struct config *config;
    struct store *store;
    struct store_writer *writer;
    const struct prov_face *face; /* of whose clients' walks it keeps out */
};

/* Borrows all that the settings name until background_free, which waits for the step under way. */
GW_MUST_CHECK enum gw_code background_new(const struct background_settings *settings,
                                          struct background **ret_background, struct gw_error *err);
void background_free(struct background *background);
