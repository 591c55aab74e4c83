/* pending: a change on its way to the writer, and the request that waits for it. The answer leaves after the commit;
 * the request may be gone by then, the change is not called back. A record that changed in the meantime makes the
 * request be computed again, at most PENDING_ATTEMPTS_MAX times, then 429 (semantics.md 5). The face's own loop only.
 */
#pragma once

#include "routes/request.h"
#include "store/change.h"

#define PENDING_ATTEMPTS_MAX 3u

/* Called with a change that was committed; it is freed after. */
typedef void (*pending_fn)(struct prov_request *r, struct store_change *change);

/* Makes a change with everything filled in that is the same for all: time, actor, app, reference, folder. */
struct store_change *pending_change_new(struct prov_request *r, enum store_change_kind kind);

/* Takes the change. Answers by itself when it is not accepted or fails. */
void pending_submit(struct prov_request *r, struct store_change *change, pending_fn on_committed);

/* A change for nobody's request: `on_done` is called on the loop, whatever came of it. Takes the change; false: it was
 * not accepted, and is freed. */
typedef void (*pending_alone_fn)(struct prov_face *face, struct store_change *change, void *data);
bool pending_submit_alone(struct prov_face *face, struct store_change *change, pending_alone_fn on_done, void *data);

/* The request is over: its answer is not wanted any more. */
void pending_forget(struct prov_request *r);

/* The face goes away, and the writer is gone: what it posted and the loop has not delivered yet is freed when the loop
 * does, at the latest in its own end. */
void pending_leave_all(struct prov_face *face);
