#include "gateway/sso/binding.h"

void sso_binding_hold(struct sso_job *job, enum sso_held_kind kind)
{
    const struct store_change *change = job->change;
    struct sso_shared *shared = job->face->shared;
    job->is_held = true;
    for (size_t i = 0; i < change->as.sign_on.session_count; i++) {
        struct sso_held_session held = {.digest = change->as.sign_on.sessions[i],
                                        .kind = kind,
                                        .folder = change->folder,
                                        .user_seq = change->as.sign_on.expected_user_seq,
                                        .generation = change->as.sign_on.expected_generation,
                                        .root = change->as.sign_on.sessions[i],
                                        .expires_ms = net_loop_now_ms(job->face->loop) + SSO_BINDING_HELD_MS};
        sso_held_put(shared->bound, &held);
    }
}

void sso_binding_release(struct sso_job *job)
{
    const struct store_change *change = job->change;
    struct sso_shared *shared = job->face->shared;
    for (size_t i = 0; i < change->as.sign_on.session_count; i++) {
        sso_held_remove(shared->anonymous, &change->as.sign_on.sessions[i]);
        /* Also what was held of the one whose session it was before: it would speak up when this one is dead. */
        sso_held_remove(shared->bound, &change->as.sign_on.sessions[i]);
    }
}

bool sso_binding_time_cures(enum gw_code code)
{
    return code == GW_E_BUSY || code == GW_E_STALE || code == GW_E_STORE_FULL || code == GW_E_STORE_READ_ONLY ||
           code == GW_E_STORE_IO;
}
