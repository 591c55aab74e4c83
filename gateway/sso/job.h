/* job: a change that a face handed to the writer, and what is done with its result on the face's loop. A job outlives
 * the exchange that made it: `request` is nulled when that ends. Jobs whose write failed for a reason that time cures
 * are tried again from the face's tick. One loop's thread; the writer only posts. */
#pragma once

#include "gateway/net/loop.h"
#include "store/writer.h"

#include <stdatomic.h>

#define SSO_JOBS_MAX 8192u       /* under way, per loop; background work is dropped beyond */
#define SSO_JOBS_AGAIN_MAX 4096u /* waiting to be tried again, per loop */
#define SSO_JOBS_AGAIN_BATCH 64u /* tried again in one tick */
#define SSO_JOB_AGAIN_MS 1000

struct sso_request;
struct sso_job;
struct sso_face;

/* On the loop; `job->change` holds the result. The callback may call sso_job_again; else the job is freed after it. */
typedef void (*sso_job_fn)(struct sso_job *job);

struct sso_job {
    struct net_loop_message message; /* first: the loop's handle */
    struct sso_face *face;           /* NULL: the face is gone, only the loop still holds the job */
    struct sso_request *request;     /* NULL: nobody waits any more */
    struct store_change *change;
    sso_job_fn on_result;
    struct sso_job *next, **link;
    atomic_bool is_posted; /* to the loop, and not arrived */
    bool waits_again;
    bool is_held;     /* a sign-on that went on without its commit */
    int64_t again_ms; /* monotonic */
};

struct sso_jobs {
    struct sso_job *list; /* all */
    size_t count;
    size_t again_count;
};

/* A job with a fresh change of `kind`; NULL beyond SSO_JOBS_MAX unless `is_urgent`. */
struct sso_job *sso_job_new(struct sso_face *face, enum store_change_kind kind, bool is_urgent, sso_job_fn on_result);

/* Hands the change to the writer. A failure to do so is the result, and on_result is called before this returns. */
void sso_job_submit(struct sso_job *job);

/* Keeps the job to be submitted again. False when too many wait already. */
bool sso_job_again(struct sso_job *job);

void sso_jobs_tick(struct sso_face *face, int64_t now_ms);
void sso_jobs_flush(struct sso_jobs *jobs); /* what waits to be tried again is tried now, once */
void sso_jobs_done(struct sso_jobs *jobs);  /* frees all; the writer must be gone, the loop not yet */
