/* The configuration reader over any bytes: an error is one line that names the file, success is a usable snapshot. */
#include "config/config.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct config *config = NULL;
    struct gw_error err = {.text = ""};
    struct gw_str text = gw_str_n(size > 0 ? (const char *)data : "", size);
    if (config_load("/f", text, &config, &err) != GW_OK) {
        GW_ASSERT(strncmp(err.text, "/f:", 3) == 0 && strchr(err.text, '\n') == NULL);
        return 0;
    }
    GW_ASSERT(config->store_path != NULL && config->app_count > 0 && config->app_count <= CONFIG_APPS_MAX);
    for (size_t i = 0; i < config->app_count; i++) {
        const struct config_app *app = &config->apps[i];
        GW_ASSERT(app->name != NULL && app->folder != NULL && (app->sso.is_present || app->prov.is_present));
        GW_ASSERT(!app->sso.is_present || (app->sso.host_count > 0 && app->sso.identity_count > 0));
    }
    config_unref(config);
    return 0;
}
