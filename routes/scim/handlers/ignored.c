#include "routes/scim/handlers/ignored.h"

#include "gateway/base/log.h"
#include "gateway/base/metrics.h"

#define IGNORED_NAMES_BYTES_MAX 1024u
#define IGNORED_LOG_MS 1000 /* an import walk would fill the log */

/* Names only: what an attacker or a person wrote into a body is in no log (law 9). */
void ignored_note(const struct prov_request *r, const struct scim_ignored *ignored)
{
    if (ignored->total == 0 || r->attempts > 0)
        return;
    gw_metric_add(GW_METRIC_SCIM_IGNORED_ATTRIBUTES, ignored->total);
    int64_t now_ms = net_loop_now_ms(r->face->loop);
    if (r->app->ignored_logged_ms != 0 && now_ms - r->app->ignored_logged_ms < IGNORED_LOG_MS)
        return;
    r->app->ignored_logged_ms = now_ms;
    GW_BUF_SCOPED(names, IGNORED_NAMES_BYTES_MAX);
    for (size_t i = 0; i < ignored->count; i++) {
        gw_buf_add_byte(&names, i > 0 ? ',' : '=');
        gw_buf_add(&names, ignored->names[i]);
    }
    gw_log(GW_LOG_INFO, "attributes-ignored", "app=%.*s count=%zu names%.*s", GW_STR_ARG(r->app->name), ignored->total,
           GW_STR_ARG(gw_buf_str(&names)));
}
