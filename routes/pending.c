#include "routes/pending.h"

#include "gateway/base/clock.h"
#include "routes/reply.h"

#include <stdlib.h>

struct pending_change {
    struct net_loop_message message; /* first: a message is its pending change */
    struct prov_face *face;
    struct prov_request *request; /* NULL: over */
    struct store_change *change;
    pending_fn on_committed;
    pending_alone_fn on_alone; /* of a change for nobody's request */
    void *data;
    struct pending_change *next;
    struct pending_change **previous; /* the pointer that points here */
};

struct store_change *pending_change_new(struct prov_request *r, enum store_change_kind kind)
{
    struct store_change *change = store_change_new(kind);
    change->time_ms = gw_clock_wall_ms();
    change->actor = gw_arena_copy(&change->arena, r->actor);
    change->app = gw_arena_copy(&change->arena, r->app->name);
    change->reference = gw_arena_printf(&change->arena, "%016llx", (unsigned long long)r->x->id);
    change->folder = r->app->folder;
    return change;
}

static void link_pending(struct pending_change *pending)
{
    pending->next = pending->face->pending;
    pending->previous = &pending->face->pending;
    if (pending->next != NULL)
        pending->next->previous = &pending->next;
    pending->face->pending = pending;
}

static void free_pending(struct pending_change *pending)
{
    *pending->previous = pending->next;
    if (pending->next != NULL)
        pending->next->previous = pending->previous;
    store_change_free(pending->change);
    free(pending);
}

/* The writer's thread. */
static void on_change_done(struct store_change *change)
{
    struct pending_change *pending = change->owner;
    net_loop_post(pending->face->loop, &pending->message);
}

static void finish(struct prov_request *r, struct pending_change *pending)
{
    struct store_change *change = pending->change;
    r->pending = NULL;
    if (change->code == GW_OK)
        pending->on_committed(r, change);
    else if (change->code == GW_E_STALE && ++r->attempts <= PENDING_ATTEMPTS_MAX)
        r->handler(r);
    else
        reply_error(r, change->code, change->error.text);
}

static void on_arrival(struct net_loop_message *message)
{
    struct pending_change *pending = (struct pending_change *)(void *)message;
    if (pending->on_alone != NULL)
        pending->on_alone(pending->face, pending->change, pending->data);
    else if (pending->request != NULL)
        finish(pending->request, pending);
    free_pending(pending);
}

static struct pending_change *pending_new(struct prov_face *face, struct store_change *change)
{
    struct pending_change *pending = gw_alloc(sizeof *pending);
    pending->message.on_arrival = on_arrival;
    pending->face = face;
    pending->change = change;
    link_pending(pending);
    change->on_done = on_change_done;
    change->owner = pending;
    return pending;
}

void pending_submit(struct prov_request *r, struct store_change *change, pending_fn on_committed)
{
    struct pending_change *pending = pending_new(r->face, change);
    pending->request = r;
    pending->on_committed = on_committed;
    r->pending = pending;
    struct gw_error err = {0};
    enum gw_code code = store_writer_submit(r->face->writer, change, &err);
    if (code == GW_OK)
        return;
    r->pending = NULL;
    free_pending(pending);
    reply_error(r, code, err.text);
}

bool pending_submit_alone(struct prov_face *face, struct store_change *change, pending_alone_fn on_done, void *data)
{
    struct pending_change *pending = pending_new(face, change);
    struct gw_error err = {0};
    pending->on_alone = on_done;
    pending->data = data;
    if (store_writer_submit(face->writer, change, &err) == GW_OK)
        return true;
    free_pending(pending);
    return false;
}

void pending_forget(struct prov_request *r)
{
    if (r->pending != NULL)
        r->pending->request = NULL;
    r->pending = NULL;
}

/* The face is gone: there is nobody to tell. */
static void on_late_arrival(struct net_loop_message *message)
{
    struct pending_change *pending = (struct pending_change *)(void *)message;
    store_change_free(pending->change);
    free(pending);
}

void pending_leave_all(struct prov_face *face)
{
    struct pending_change *pending = face->pending;
    face->pending = NULL;
    for (; pending != NULL; pending = pending->next)
        pending->message.on_arrival = on_late_arrival;
}
