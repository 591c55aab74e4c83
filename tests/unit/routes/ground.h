/* ground: a PROV face with a real configuration, store and writer, on whatever loop a test has. */
#pragma once

#include "tests/support/unit.h"

#include "config/tokens.h"
#include "gateway/base/clock.h"
#include "routes/prov.h"
#include "store/writer.h"

#include <stdlib.h>

struct world {
    char *folder;
    char *tokens_path;
    struct config *config;
    struct store *store;
    struct store_writer *writer;
    struct net_loop *loop;
    struct prov_face *face;
    struct prov_listener listener;
    struct gw_arena arena;
    struct gw_str secret; /* of the token "okta" */
    uint32_t folder_number;
};

static inline void check_ok(enum gw_code code, const struct gw_error *err)
{
    if (code != GW_OK)
        fail_msg("%s: %s", gw_code_name(code), err->text);
}

static inline void world_config(struct world *w, const char *prov_extra)
{
    struct gw_error err = {0};
    struct gw_str path = gw_arena_printf(&w->arena, "%s/provgate.yaml", w->folder);
    struct gw_str text = gw_arena_printf(&w->arena,
                                         "store:\n  path: %s/store\n  max_size: 256MiB\n"
                                         "prov:\n  listen:\n    - address: 127.0.0.1:8443\n"
                                         "admin:\n  listen: 127.0.0.1:9901\n  tokens_file: %s/admin-tokens\n"
                                         "apps:\n  - name: wiki\n    folder: staff\n    prov:\n"
                                         "      hosts: [prov.test]\n      tokens_file: %s\n%s",
                                         w->folder, w->folder, w->tokens_path, prov_extra);
    check_ok(config_load(path.ptr, text, &w->config, &err), &err);
}

/* `prov_extra`: more lines of apps[0].prov, indented by six blanks. */
static inline struct world *world_open(const char *prov_extra, struct net_loop *loop)
{
    struct gw_error err = {0};
    struct world *w = gw_alloc(sizeof *w);
    w->folder = unit_folder_new();
    w->tokens_path = gw_strdup(gw_arena_printf(&w->arena, "%s/wiki-tokens", w->folder).ptr);
    world_config(w, prov_extra);
    check_ok(token_file_add(w->tokens_path, GW_STR("okta"), TOKEN_BEARER, 0, &w->arena, &w->secret, &err), &err);
    check_ok(store_create(w->config->store_path, w->config->store_max_size, &err), &err);
    check_ok(store_open(w->config->store_path, w->config->store_max_size, &w->store, &err), &err);
    struct store_writer_settings settings = {.role = STORE_ROLE_PROV};
    check_ok(store_writer_new(w->store, &settings, &w->writer, &err), &err);
    w->loop = loop;
    check_ok(prov_face_new(w->config, w->store, w->writer, loop, &w->face, &err), &err);
    check_ok(store_folder_ensure(w->writer, GW_STR("staff"), &w->folder_number, &err), &err);
    w->listener = (struct prov_listener){.face = w->face, .config = &w->config->prov_listeners[0]};
    return w;
}

/* After the loop stopped. */
static inline void world_close(struct world *w)
{
    store_writer_free(w->writer);
    prov_face_free(w->face);
    store_close(w->store);
    config_unref(w->config);
    unit_folder_remove(w->folder);
    free(w->tokens_path);
    gw_arena_done(&w->arena);
    free(w);
}

/* A person whom the SSO side has seen sign in. */
static inline void world_observe(struct world *w, const char *user_name)
{
    struct gw_error err = {0};
    struct store_change *change = store_change_new(STORE_CHANGE_SIGN_ON);
    change->time_ms = gw_clock_wall_ms();
    change->folder = w->folder_number;
    change->as.sign_on.observe = true;
    change->as.sign_on.join = (struct store_join){.folder = w->folder_number,
                                                  .match = STORE_INDEX_USER_NAME,
                                                  .value = gw_str_from(user_name),
                                                  .issuer = GW_STR("http://idp.test"),
                                                  .name_id = gw_str_from(user_name)};
    change->as.sign_on.draft = (struct store_user_draft){
        .user_name = gw_str_from(user_name), .attributes = GW_STR("{\"displayName\":\"Seen\"}"), .active = true};
    check_ok(store_writer_apply(w->writer, change, &err), &err);
    store_change_free(change);
}
