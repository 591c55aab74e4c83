#include "gateway/base/line_file.h"
#include "gateway/base/log.h"
#include "gateway/sso/request.h"
#include "gateway/sso/servers.h"

#include <stdio.h>
#include <stdlib.h>

#define FILE_BYTES_MAX (256u * 1024) /* a certificate, or a refusal page */
_Static_assert(FILE_BYTES_MAX == CONFIG_REFUSAL_PAGE_BYTES_MAX, "check and start agree");

static enum gw_code file_read(struct gw_arena *arena, const char *path, struct gw_str *ret_text, struct gw_error *err)
{
    FILE *file = fopen(path, "rbe");
    if (file == NULL)
        return gw_fail(err, GW_E_CONFIG, "%s: cannot be read", path);
    char *bytes = gw_arena_alloc(arena, FILE_BYTES_MAX + 1);
    size_t len = fread(bytes, 1, FILE_BYTES_MAX + 1, file);
    bool failed = ferror(file) != 0 || len > FILE_BYTES_MAX;
    (void)fclose(file);
    if (failed)
        return gw_fail(err, GW_E_CONFIG, "%s: cannot be read, or is larger than %u bytes", path, FILE_BYTES_MAX);
    *ret_text = gw_str_n(bytes, len);
    return GW_OK;
}

static enum gw_code saml_load(struct sso_app *app, const struct config_saml *config, struct sso_gate *ret_gate,
                              struct gw_error *err)
{
    GW_ARENA_SCOPED(arena);
    struct saml_pem *pems = gw_arena_array(&arena, config->idp_certificate_count, sizeof *pems);
    for (size_t i = 0; i < config->idp_certificate_count; i++) {
        pems[i].name = config->idp_certificates[i];
        GW_TRY(file_read(&arena, pems[i].name, &pems[i].text, err));
    }
    struct gw_str *urls = gw_arena_array(&arena, config->acs_count, sizeof *urls);
    for (size_t i = 0; i < config->acs_count; i++)
        urls[i] = gw_arena_printf(&arena, "%s%s", app->config->sso.external_url, config->acs[i]);
    struct saml_source source = {.certificates = pems,
                                 .certificate_count = config->idp_certificate_count,
                                 .idp_entity = gw_str_from(config->idp_entity),
                                 .audience = gw_str_from(config->audience),
                                 .acs_urls = urls,
                                 .acs_url_count = config->acs_count,
                                 .skew_ms = config->skew_ms};
    *ret_gate = (struct sso_gate){.kind = &sso_gate_saml, .config = config};
    return saml_settings_new(&source, &ret_gate->saml, err);
}

static enum gw_code id_token_load(struct sso_shared *shared, const struct config_identity *identity,
                                  struct sso_gate *ret_gate, struct gw_error *err)
{
    const struct config_keys *keys = &identity->id_token.keys;
    struct key_origin origin = {.file = keys->file, .url = keys->url, .ca = keys->ca};
    *ret_gate = (struct sso_gate){
        .kind = &sso_gate_id_token, .config = &identity->saml, .issuer = gw_str_from(identity->id_token.issuer)};
    return key_pool_add(shared->keys, &origin, &ret_gate->keys, err);
}

static enum gw_code gates_load(struct sso_shared *shared, struct sso_app *app, struct gw_error *err)
{
    const struct config_sso_face *config = &app->config->sso;
    app->gates = gw_arena_array(&shared->arena, config->identity_count, sizeof *app->gates);
    for (size_t i = 0; i < config->identity_count; i++) {
        const struct config_identity *identity = &config->identities[i];
        struct sso_gate *gate = &app->gates[app->gate_count];
        if (identity->kind == CONFIG_IDENTITY_SAML)
            GW_TRY(saml_load(app, &identity->saml, gate, err));
        else if (identity->kind == CONFIG_IDENTITY_ID_TOKEN)
            GW_TRY(id_token_load(shared, identity, gate, err));
        else
            continue;
        app->gate_count++;
    }
    return GW_OK;
}

static enum gw_code refusal_load(struct sso_shared *shared, struct sso_app *app, struct gw_error *err)
{
    const struct config_refusal *config = &app->config->sso.refusal;
    app->refusal_contact = gw_str_from(config->contact);
    if (config->page == NULL)
        return GW_OK;
    return file_read(&shared->arena, config->page, &app->refusal_page, err);
}

static void siblings_load(struct sso_shared *shared, struct sso_app *app)
{
    const struct config *config = shared->config;
    app->siblings = gw_arena_array(&shared->arena, config->app_count, sizeof *app->siblings);
    for (size_t i = 0; i < config->app_count; i++) {
        const struct config_app *other = &config->apps[i];
        if (other == app->config || !other->sso.is_present || strcmp(other->folder, app->config->folder) != 0)
            continue;
        app->siblings[app->sibling_count++] =
            (struct sso_guard_sibling){.app = gw_str_from(other->name),
                                       .session_cookies = (const char *const *)other->sso.session_cookies,
                                       .session_cookie_count = other->sso.session_cookie_count};
    }
}

static enum gw_code app_load(struct sso_shared *shared, struct sso_app *app, struct gw_error *err)
{
    GW_TRY(store_folder_ensure(shared->writer, gw_str_from(app->config->folder), &app->folder, err));
    GW_TRY(sso_servers_load(app, err));
    sso_forward_rules_init(&app->forward, &shared->arena, &app->config->sso);
    siblings_load(shared, app);
    GW_TRY(refusal_load(shared, app, err));
    return gates_load(shared, app, err);
}

/* The port of "https://host:port", or the scheme's own. */
static uint16_t public_port(const char *external_url)
{
    struct gw_str url = gw_str_from(external_url);
    bool is_https = gw_str_starts_nocase(url, GW_STR("https://"));
    if (!is_https && !gw_str_starts_nocase(url, GW_STR("http://")))
        return 0;
    struct sso_authority authority;
    struct gw_str rest = gw_str_from_pos(url, is_https ? 8 : 7);
    if (!sso_authority_parse(gw_str_split(&rest, '/'), &authority))
        return 0;
    return authority.has_port ? authority.port : (is_https ? 443 : 80);
}

static enum gw_code routes_load(struct sso_shared *shared, struct gw_error *err)
{
    struct config *config = shared->config;
    size_t count = 0;
    for (size_t i = 0; i < config->app_count; i++)
        count += config->apps[i].sso.host_count;
    shared->routes.list = gw_arena_array(&shared->arena, count, sizeof *shared->routes.list);
    for (size_t i = 0; i < config->app_count; i++) {
        const struct config_sso_face *face = &config->apps[i].sso;
        for (size_t k = 0; face->is_present && k < face->host_count; k++) {
            struct sso_route *route = &shared->routes.list[shared->routes.count++];
            route->app = i;
            route->public_port = public_port(face->external_url);
            if (!sso_authority_parse(gw_str_from(face->hosts[k]), &route->authority))
                return gw_fail(err, GW_E_CONFIG, "app %s: sso.hosts: \"%s\" is not a host name", config->apps[i].name,
                               face->hosts[k]);
        }
    }
    return GW_OK;
}

static enum gw_code shared_load(struct sso_shared *shared, struct gw_error *err)
{
    struct config *config = shared->config;
    GW_TRY(saml_library_init(err));
    if (config->access_log.file != NULL)
        GW_TRY(gw_line_file_new(config->access_log.file, &shared->access, err));
    shared->apps = gw_arena_array(&shared->arena, config->app_count, sizeof *shared->apps);
    for (size_t i = 0; i < config->app_count; i++) {
        struct sso_app *app = &shared->apps[i];
        app->config = &config->apps[i];
        app->name = gw_str_from(config->apps[i].name);
        app->index = (uint16_t)i;
        app->counts = gw_app_place(config->apps[i].name);
        if (app->config->sso.is_present && app_load(shared, app, err) != GW_OK)
            return gw_error_prefix(err, "app %s", app->config->name);
    }
    return routes_load(shared, err);
}

enum gw_code sso_shared_new(struct config *config, struct store *store, struct store_writer *writer,
                            struct sso_shared **ret_shared, struct gw_error *err)
{
    struct sso_shared *shared = gw_alloc(sizeof *shared);
    shared->config = config_ref(config);
    shared->store = store;
    shared->writer = writer;
    shared->replay = sso_replay_new();
    shared->keys = key_pool_new();
    shared->bound = sso_held_new();
    shared->anonymous = sso_held_new();
    shared->probed = sso_held_new();
    (void)pthread_mutex_init(&shared->probed_lock, NULL);
    gw_random_bytes(&shared->reference_prefix, sizeof shared->reference_prefix);
    enum gw_code code = shared_load(shared, err);
    if (code != GW_OK) {
        sso_shared_free(shared);
        return code;
    }
    key_pool_start(shared->keys);
    *ret_shared = shared;
    return GW_OK;
}

void sso_shared_hand_over(struct sso_shared *shared, struct sso_handover *handover)
{
    sso_replay_share(shared->replay, &handover->replay);
    sso_held_share(shared->anonymous, &handover->anonymous, NULL);
    sso_held_share(shared->bound, NULL, &handover->bound);
    for (size_t i = 0; i < shared->config->app_count; i++) {
        if (shared->apps[i].servers != NULL)
            shared->apps[i].servers->affinity = &handover->affinity;
    }
}

void sso_shared_free(struct sso_shared *shared)
{
    if (shared == NULL)
        return;
    for (size_t i = 0; shared->apps != NULL && i < shared->config->app_count; i++) {
        struct sso_app *app = &shared->apps[i];
        for (size_t k = 0; k < app->gate_count; k++)
            saml_settings_free(app->gates[k].saml);
        if (app->config != NULL)
            sso_servers_free(app);
    }
    gw_line_file_free(shared->access);
    sso_replay_free(shared->replay);
    key_pool_free(shared->keys);
    sso_held_free(shared->bound);
    sso_held_free(shared->anonymous);
    sso_held_free(shared->probed);
    (void)pthread_mutex_destroy(&shared->probed_lock);
    config_unref(shared->config);
    gw_arena_done(&shared->arena);
    free(shared);
}
