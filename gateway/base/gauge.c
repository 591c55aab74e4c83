#include "gateway/base/gauge.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static bool has_name(const struct gw_gauge *gauge, const char *app, const char *server)
{
    return atomic_load(&gauge->is_named) != 0 && strncmp(gauge->app, app, sizeof gauge->app - 1) == 0 &&
           strncmp(gauge->server, server, sizeof gauge->server - 1) == 0;
}

static void use(struct gw_gauge *gauge)
{
    uint32_t process = (uint32_t)getpid();
    if (atomic_exchange(&gauge->process, process) != process)
        atomic_store(&gauge->users, 0);
    atomic_fetch_add(&gauge->users, 1);
}

unsigned gw_gauge_claim(const char *app, const char *server)
{
    struct gw_gauge *gauges = gw_gauges_attached();
    unsigned place = GW_GAUGE_NONE;
    for (unsigned i = 0; i < GW_GAUGES_MAX; i++) {
        if (has_name(&gauges[i], app, server)) {
            use(&gauges[i]);
            return i;
        }
        if (place == GW_GAUGE_NONE && atomic_load(&gauges[i].users) == 0)
            place = i;
    }
    if (place == GW_GAUGE_NONE)
        return place;
    struct gw_gauge *gauge = &gauges[place];
    atomic_store(&gauge->is_named, 0);
    (void)snprintf(gauge->app, sizeof gauge->app, "%s", app);
    (void)snprintf(gauge->server, sizeof gauge->server, "%s", server);
    use(gauge);
    atomic_store(&gauge->is_named, 1);
    return place;
}

/* Another process may have taken it over meanwhile. */
void gw_gauge_release(unsigned number)
{
    if (number >= GW_GAUGES_MAX)
        return;
    struct gw_gauge *gauge = &gw_gauges_attached()[number];
    if (atomic_load(&gauge->process) == (uint32_t)getpid() && atomic_fetch_sub(&gauge->users, 1) == 1)
        atomic_store(&gauge->is_named, 0);
}

void gw_gauge_set(unsigned number, uint32_t value)
{
    if (number < GW_GAUGES_MAX)
        atomic_store(&gw_gauges_attached()[number].value, value);
}

/* A label's value, with `\\`, `"` and line ends escaped. */
static void write_label(struct gw_buf *buf, const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text == '\\' || *text == '"')
            gw_buf_add_byte(buf, '\\');
        gw_buf_add_byte(buf, *text == '\n' ? ' ' : *text);
    }
}

void gw_gauges_write(const struct gw_gauge *gauges, struct gw_buf *buf)
{
    gw_buf_add_lit(buf, "# HELP provgate_upstream_server_up Whether requests go to this server of an app\n"
                        "# TYPE provgate_upstream_server_up gauge\n");
    for (unsigned i = 0; i < GW_GAUGES_MAX; i++) {
        if (atomic_load(&gauges[i].is_named) == 0)
            continue;
        gw_buf_add_lit(buf, "provgate_upstream_server_up{app=\"");
        write_label(buf, gauges[i].app);
        gw_buf_add_lit(buf, "\",server=\"");
        write_label(buf, gauges[i].server);
        gw_buf_add_lit(buf, "\"} ");
        gw_buf_add_u64(buf, atomic_load(&gauges[i].value));
        gw_buf_add_byte(buf, '\n');
    }
}
