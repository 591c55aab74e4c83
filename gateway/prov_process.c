#include "gateway/background.h"
#include "gateway/base/log.h"
#include "gateway/command/privilege.h"
#include "gateway/http/listener.h"
#include "gateway/net/tls_watch.h"
#include "gateway/process.h"
#include "gateway/process_private.h"
#include "gateway/scan.h"
#include "gateway/shared.h"
#include "routes/admin.h"
#include "routes/prov.h"

#include <pthread.h>
#include <unistd.h>

#define TOKENS_POLL_MS 1000 /* security.md D3 */

struct prov_process {
    struct child_ground ground;
    struct store *store;
    struct store_writer *writer;
    struct net_loop *loop;
    struct prov_face *prov;
    struct prov_listener listeners[CONFIG_LISTENERS_MAX];
    struct tls_server *tls[CONFIG_LISTENERS_MAX];
    struct tls_watch *watch;
    struct admin_face *admin;
    struct background *background;
    struct scan *scan;
    pthread_t thread;
    atomic_uint running; /* 1 while the loop runs */
};

/* On the writer's thread, before any answer of the commit leaves: semantics.md 2. */
static void wake_sso_workers(void *data)
{
    struct prov_process *p = data;
    uint64_t one = 1;
    for (size_t i = 0; i < p->ground.fds.wake_count; i++) {
        ssize_t written = write(p->ground.fds.wake[i], &one, sizeof one);
        (void)written; /* full means that it is awake already */
    }
}

static bool is_sso_up(void *data)
{
    struct prov_process *p = data;
    return atomic_load(&p->ground.place->is_ready[CHILD_SSO]) != 0;
}

static void reload_tokens(void *face)
{
    prov_face_reload_tokens(face);
}

static enum gw_code start_prov(struct prov_process *p, struct gw_error *err)
{
    GW_TRY(prov_face_new(p->ground.config, p->store, p->writer, p->loop, &p->prov, err));
    net_loop_every(p->loop, TOKENS_POLL_MS, reload_tokens, p->prov);
    for (size_t i = 0; i < p->ground.fds.listener_count; i++) {
        p->listeners[i] = (struct prov_listener){p->prov, &p->ground.config->prov_listeners[i]};
        GW_TRY(process_tls_new("prov", i, &p->ground.config->prov_listeners[i], &p->tls[i], err));
        struct http_limits limits = http_limits_default;
        limits.connections_max = process_connections_max(1, 0);
        struct http_listener_settings settings = {
            .fd = p->ground.fds.listeners[i],
            .tls = p->tls[i],
            .face = &prov_http_face,
            .face_data = &p->listeners[i],
            .limits = limits,
            .allow = config_listener_allows,
            .has_proxy_header = p->ground.config->prov_listeners[i].proxy_from_count > 0,
            .may_tell_peer = config_listener_trusts_header,
            .peer_data = &p->ground.config->prov_listeners[i],
        };
        GW_TRY(http_listener_start(p->loop, &settings, err));
    }
    return GW_OK;
}

static enum gw_code start_admin(struct prov_process *p, struct gw_error *err)
{
    if (p->ground.fds.admin < 0)
        return GW_OK;
    struct admin_settings settings = {
        .config = p->ground.config,
        .store = p->store,
        .metrics = &p->ground.shared->metrics,
        .is_sso_up = is_sso_up,
        .data = p,
    };
    GW_TRY(admin_face_new(&settings, &p->admin, err));
    struct http_limits limits = http_limits_default;
    limits.connections_max = process_connections_max(1, 0);
    struct http_listener_settings listener = {
        .fd = p->ground.fds.admin,
        .face = &admin_http_face,
        .face_data = p->admin,
        .limits = limits,
    };
    return http_listener_start(p->loop, &listener, err);
}

static enum gw_code prepare(struct prov_process *p, struct gw_error *err)
{
    GW_TRY(store_open_to_serve(p->ground.config->store_path, p->ground.config->store_max_size, &p->store, err));
    struct store_writer_settings settings = {
        .role = STORE_ROLE_PROV,
        .role_fd = child_role_fd(&p->ground),
        .sso_waiting = p->ground.shared->sso_waiting,
        .sso_waiting_count = SHARED_PLACES,
        .on_revoked = wake_sso_workers,
        .is_read_only = &p->ground.shared->is_read_only[CHILD_PROV],
        .data = p,
    };
    GW_TRY(store_writer_new(p->store, &settings, &p->writer, err));
    p->loop = net_loop_new("prov");
    GW_TRY(start_prov(p, err));
    GW_TRY(start_admin(p, err));
    const struct background_settings background = {p->ground.config, p->store, p->writer, p->prov};
    GW_TRY(background_new(&background, &p->background, err));
    return scan_start(p->store, &p->scan, err);
}

static void *run_loop(void *process)
{
    struct prov_process *p = process;
    net_loop_run(p->loop);
    atomic_store(&p->running, 0);
    return NULL;
}

static void serve(struct prov_process *p)
{
    atomic_store(&p->running, 1);
    GW_ASSERT(pthread_create(&p->thread, NULL, run_loop, p) == 0);
    p->watch = process_watch_start(CHILD_PROV, p->tls, p->ground.fds.listener_count, p->ground.config);
    atomic_store(&p->ground.place->is_ready[CHILD_PROV], 1);
    if (process_wait_for_end()) {
        child_close_listeners(&p->ground);
        background_free(p->background); /* the successor has its own */
        scan_free(p->scan);
        p->background = NULL;
        p->scan = NULL;
        net_loop_retire(p->loop, p->ground.config->drain_timeout_ms);
        process_wait_while_retiring(&p->running);
    }
    net_loop_stop(p->loop, PROCESS_DRAIN_MS);
    (void)pthread_join(p->thread, NULL);
}

static void release(struct prov_process *p)
{
    background_free(p->background);
    scan_free(p->scan);
    store_writer_free(p->writer);
    admin_face_free(p->admin);
    prov_face_free(p->prov);
    net_loop_free(p->loop);
    tls_watch_free(p->watch);
    for (size_t i = 0; i < p->ground.fds.listener_count; i++)
        tls_server_free(p->tls[i]);
    store_close(p->store);
    config_unref(p->ground.config);
}

int prov_process_run(const struct child_start *start)
{
    gw_log_init("prov", GW_LOG_INFO);
    process_block_signals();
    privilege_hide_memory();
    process_raise_descriptors();
    process_bound_spare_memory();
    gw_log_start();
    struct prov_process p = {0};
    struct gw_error err;
    child_inherit(start, &p.ground);
    if (prepare(&p, &err) != GW_OK)
        process_fail("prov face", &err);
    serve(&p);
    release(&p);
    return 0;
}
