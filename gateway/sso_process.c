#include "gateway/base/log.h"
#include "gateway/command/privilege.h"
#include "gateway/http/listener.h"
#include "gateway/net/tls_watch.h"
#include "gateway/process.h"
#include "gateway/process_private.h"
#include "gateway/shared.h"
#include "gateway/sso/face.h"
#include "gateway/sso/keeper.h"

#include <pthread.h>

struct worker {
    pthread_t thread;
    atomic_uint *running;
    struct net_loop *loop;
    struct sso_face *face;
};

struct sso_process {
    struct child_ground ground;
    struct store *store;
    struct store_writer *writer;
    struct sso_shared *sso;
    struct sso_keeper *keeper;
    struct tls_server *tls[CONFIG_LISTENERS_MAX];
    struct tls_watch *watch;
    struct worker workers[SHARED_WORKERS_MAX];
    size_t worker_count;
    atomic_uint running; /* loops */
};

static void cut_revoked(void *face)
{
    sso_face_cut_revoked(face);
}

static enum gw_code start_listeners(struct sso_process *p, struct worker *worker, struct gw_error *err)
{
    for (size_t i = 0; i < p->ground.fds.listener_count; i++) {
        struct http_limits limits = http_limits_default;
        limits.connections_max =
            process_connections_max(p->ground.place->worker_count, sso_outgoing_connections_max(p->ground.config));
        struct http_listener_settings settings = {
            .fd = p->ground.fds.listeners[i],
            .tls = p->tls[i],
            .face = &sso_http_face,
            .face_data = worker->face,
            .limits = limits,
            .allow = config_listener_allows,
            .has_proxy_header = p->ground.config->sso_listeners[i].proxy_from_count > 0,
            .may_tell_peer = config_listener_trusts_header,
            .peer_data = &p->ground.config->sso_listeners[i],
        };
        GW_TRY(http_listener_start(worker->loop, &settings, err));
    }
    return GW_OK;
}

static enum gw_code make_worker(struct sso_process *p, size_t index, struct gw_error *err)
{
    struct worker *worker = &p->workers[index];
    worker->loop = net_loop_new("sso");
    worker->running = &p->running;
    GW_TRY(sso_face_new(p->sso, worker->loop, &worker->face, err));
    net_loop_watch_eventfd(worker->loop, p->ground.fds.wake[index], cut_revoked, worker->face);
    p->worker_count = index + 1;
    return start_listeners(p, worker, err);
}

static void *run_worker(void *argument)
{
    struct worker *worker = argument;
    net_loop_run(worker->loop);
    (void)atomic_fetch_sub(worker->running, 1);
    return NULL;
}

static enum gw_code prepare(struct sso_process *p, struct gw_error *err)
{
    GW_TRY(store_open_to_serve(p->ground.config->store_path, p->ground.config->store_max_size, &p->store, err));
    struct store_writer_settings settings = {
        .role = STORE_ROLE_SSO,
        .role_fd = child_role_fd(&p->ground),
        .sso_waiting = &p->ground.shared->sso_waiting[p->ground.place_index],
        .is_read_only = &p->ground.shared->is_read_only[CHILD_SSO],
    };
    GW_TRY(store_writer_new(p->store, &settings, &p->writer, err));
    GW_TRY(sso_shared_new(p->ground.config, p->store, p->writer, &p->sso, err));
    sso_shared_hand_over(p->sso, p->ground.handover);
    for (size_t i = 0; i < p->ground.fds.listener_count; i++) {
        GW_TRY(process_tls_new("sso", i, &p->ground.config->sso_listeners[i], &p->tls[i], err));
        if (p->tls[i] != NULL)
            tls_server_offer_http2(p->tls[i]);
    }
    for (size_t i = 0; i < p->ground.place->worker_count; i++)
        GW_TRY(make_worker(p, i, err));
    return GW_OK;
}

/* What is open here is still cut when its user goes: each loop reads the revocation log until its last connection. */
static void retire(struct sso_process *p)
{
    child_close_listeners(&p->ground);
    for (size_t i = 0; i < p->worker_count; i++)
        net_loop_retire(p->workers[i].loop, p->ground.config->drain_timeout_ms);
    process_wait_while_retiring(&p->running);
}

static void serve(struct sso_process *p)
{
    p->keeper = sso_keeper_start(p->sso);
    atomic_store(&p->running, (unsigned)p->worker_count);
    for (size_t i = 0; i < p->worker_count; i++)
        GW_ASSERT(pthread_create(&p->workers[i].thread, NULL, run_worker, &p->workers[i]) == 0);
    p->watch = process_watch_start(CHILD_SSO, p->tls, p->ground.fds.listener_count, p->ground.config);
    atomic_store(&p->ground.place->is_ready[CHILD_SSO], 1);
    if (process_wait_for_end())
        retire(p);
    for (size_t i = 0; i < p->worker_count; i++)
        net_loop_stop(p->workers[i].loop, PROCESS_DRAIN_MS);
    for (size_t i = 0; i < p->worker_count; i++)
        (void)pthread_join(p->workers[i].thread, NULL);
}

static void release(struct sso_process *p)
{
    for (size_t i = 0; i < p->worker_count; i++)
        sso_face_flush(p->workers[i].face);
    sso_keeper_stop(p->keeper);
    store_writer_free(p->writer); /* before the loops: its last answers still find them */
    for (size_t i = 0; i < p->worker_count; i++) {
        sso_face_free(p->workers[i].face);
        net_loop_free(p->workers[i].loop);
    }
    tls_watch_free(p->watch);
    for (size_t i = 0; i < p->ground.fds.listener_count; i++)
        tls_server_free(p->tls[i]);
    sso_shared_free(p->sso);
    store_close(p->store);
    config_unref(p->ground.config);
}

int sso_process_run(const struct child_start *start)
{
    gw_log_init("sso", GW_LOG_INFO);
    process_block_signals();
    privilege_hide_memory();
    process_raise_descriptors();
    process_bound_spare_memory();
    gw_log_start();
    struct sso_process p = {0};
    struct gw_error err;
    child_inherit(start, &p.ground);
    if (prepare(&p, &err) != GW_OK)
        process_fail("sso face", &err);
    serve(&p);
    release(&p);
    return 0;
}
