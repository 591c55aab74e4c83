#include "gateway/sso/job.h"

#include "gateway/base/arena.h"
#include "gateway/base/clock.h"
#include "gateway/sso/request.h"

#include <stdlib.h>

static void job_unlink(struct sso_job *job)
{
    struct sso_jobs *jobs = &job->face->jobs;
    *job->link = job->next;
    if (job->next != NULL)
        job->next->link = job->link;
    jobs->count--;
    jobs->again_count -= job->waits_again;
}

static void job_free(struct sso_job *job)
{
    store_change_free(job->change);
    free(job);
}

static void job_finish(struct sso_job *job)
{
    job->on_result(job);
    if (job->waits_again)
        return;
    job_unlink(job);
    job_free(job);
}

static void on_arrival(struct net_loop_message *message)
{
    struct sso_job *job = (struct sso_job *)message;
    atomic_store(&job->is_posted, false);
    if (job->face == NULL)
        job_free(job);
    else
        job_finish(job);
}

/* On the writer's thread. */
static void on_done(struct store_change *change)
{
    struct sso_job *job = change->owner;
    atomic_store(&job->is_posted, true);
    net_loop_post(job->face->loop, &job->message);
}

struct sso_job *sso_job_new(struct sso_face *face, enum store_change_kind kind, bool is_urgent, sso_job_fn on_result)
{
    struct sso_jobs *jobs = &face->jobs;
    if (!is_urgent && jobs->count >= SSO_JOBS_MAX)
        return NULL;
    struct sso_job *job = gw_alloc(sizeof *job);
    *job = (struct sso_job){.message.on_arrival = on_arrival, .face = face, .on_result = on_result};
    job->change = store_change_new(kind);
    job->change->time_ms = gw_clock_wall_ms();
    job->change->actor = GW_STR("sso");
    job->change->is_urgent = is_urgent;
    job->change->sessions_max = face->shared->config->sessions_max;
    job->change->on_done = on_done;
    job->change->owner = job;
    job->next = jobs->list;
    job->link = &jobs->list;
    if (jobs->list != NULL)
        jobs->list->link = &job->next;
    jobs->list = job;
    jobs->count++;
    return job;
}

void sso_job_submit(struct sso_job *job)
{
    struct gw_error err;
    enum gw_code code = store_writer_submit(job->face->shared->writer, job->change, &err);
    if (code == GW_OK)
        return;
    job->change->code = code;
    job->change->error = err;
    job_finish(job);
}

bool sso_job_again(struct sso_job *job)
{
    struct sso_jobs *jobs = &job->face->jobs;
    if (jobs->again_count >= SSO_JOBS_AGAIN_MAX)
        return false;
    jobs->again_count++;
    job->waits_again = true;
    job->again_ms = gw_clock_mono_ms() + SSO_JOB_AGAIN_MS;
    return true;
}

void sso_jobs_tick(struct sso_face *face, int64_t now_ms)
{
    struct sso_jobs *jobs = &face->jobs;
    size_t tried = 0;
    struct sso_job *next;
    for (struct sso_job *job = jobs->list; jobs->again_count > 0 && job != NULL && tried < SSO_JOBS_AGAIN_BATCH;
         job = next) {
        next = job->next;
        if (!job->waits_again || job->again_ms > now_ms)
            continue;
        job->waits_again = false;
        jobs->again_count--;
        tried++;
        sso_job_submit(job);
    }
}

void sso_jobs_flush(struct sso_jobs *jobs)
{
    struct sso_job *next;
    for (struct sso_job *job = jobs->list; jobs->again_count > 0 && job != NULL; job = next) {
        next = job->next;
        if (!job->waits_again)
            continue;
        job->waits_again = false;
        jobs->again_count--;
        sso_job_submit(job);
    }
}

void sso_jobs_done(struct sso_jobs *jobs)
{
    while (jobs->list != NULL) {
        struct sso_job *job = jobs->list;
        job_unlink(job);
        job->face = NULL;
        /* One that was posted belongs to the loop, which delivers it when it is freed. */
        if (!atomic_load(&job->is_posted))
            job_free(job);
    }
}
