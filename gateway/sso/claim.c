#include "gateway/sso/claim.h"

#include "gateway/base/log.h"
#include "gateway/base/metrics.h"
#include "gateway/base/text.h"
#include "gateway/sso/binding.h"

bool sso_claim_names_a_user(struct gw_str text)
{
    return gw_name_printable(text, STORE_USER_NAME_BYTES_MAX);
}

static struct store_join join_of(const struct sso_claim *claim)
{
    return (struct store_join){.folder = claim->app->folder, .match = STORE_INDEX_USER_NAME, .value = claim->user_name};
}

static enum gw_code find(struct store_reader *reader, const struct sso_claim *claim,
                         struct sso_claim_finding *ret_finding)
{
    struct gw_error err;
    struct store_join join = join_of(claim);
    struct store_user_state state;
    enum gw_code code = store_join_find(reader, &join, &ret_finding->user_seq, &err);
    if (code == GW_E_FORBIDDEN)
        ret_finding->verdict = SSO_CLAIM_GONE;
    if (code != GW_OK)
        return code == GW_E_FORBIDDEN ? GW_OK : code;
    if (ret_finding->user_seq == 0) {
        bool refuses = claim->app->config->sso.unknown == CONFIG_UNKNOWN_REFUSE;
        ret_finding->verdict = refuses ? SSO_CLAIM_NOBODY : SSO_CLAIM_ALLOWED;
        return GW_OK;
    }
    GW_TRY(store_user_state_get(reader, claim->app->folder, ret_finding->user_seq, &state));
    bool is_in = (state.flags & STORE_USER_ACTIVE) != 0 && (state.flags & STORE_USER_LOCKED) == 0;
    ret_finding->generation = state.generation;
    ret_finding->verdict = is_in ? SSO_CLAIM_ALLOWED : SSO_CLAIM_INACTIVE;
    return GW_OK;
}

void sso_claim_check(struct sso_face *face, const struct sso_claim *claim, struct sso_claim_finding *ret_finding)
{
    struct gw_error err;
    *ret_finding = (struct sso_claim_finding){.user_seq = 0};
    enum gw_code code = store_reader_begin(face->reader, &err);
    if (code == GW_OK) {
        code = find(face->reader, claim, ret_finding);
        store_reader_end(face->reader);
    }
    if (code != GW_OK)
        *ret_finding = (struct sso_claim_finding){.verdict = SSO_CLAIM_UNDECIDED};
}

/* ---- the record ---- */

static void on_recorded(struct sso_job *job)
{
    const struct store_change *change = job->change;
    if (change->code == GW_OK) {
        sso_binding_release(job);
        gw_metric_add(GW_METRIC_SSO_IDENTIFIED, 1);
    } else if (change->code == GW_E_FORBIDDEN || change->code == GW_E_CONFLICT || change->code == GW_E_UNIQUENESS) {
        /* A deactivation came first: the store holds them as dead, and so do we should it hold nobody. */
        sso_binding_hold(job, SSO_HELD_REFUSED);
    } else if (!(sso_binding_time_cures(change->code) && sso_job_again(job))) {
        gw_log(GW_LOG_ERROR, "claim-lost", "code=%s reason=\"%s\"", gw_code_name(change->code), change->error.text);
        sso_binding_release(job);
    }
}

static void change_fill(struct store_change *change, const struct sso_claim *claim,
                        const struct sso_claim_finding *finding)
{
    struct sso_claim own = *claim;
    own.user_name = gw_arena_copy(&change->arena, claim->user_name);
    change->app = gw_arena_copy(&change->arena, claim->app->name);
    change->reference = gw_arena_copy(&change->arena, claim->reference);
    change->folder = claim->app->folder;
    change->as.sign_on.join = join_of(&own);
    change->as.sign_on.draft =
        (struct store_user_draft){.user_name = own.user_name, .attributes = GW_STR("{}"), .active = true};
    change->as.sign_on.observe = claim->app->config->sso.unknown == CONFIG_UNKNOWN_OBSERVE;
    change->as.sign_on.expected_user_seq = finding->user_seq;
    change->as.sign_on.expected_generation = finding->generation;
    for (size_t i = 0; i < claim->session_count && i < STORE_SIGN_ON_SESSIONS_MAX; i++)
        change->as.sign_on.sessions[change->as.sign_on.session_count++] = claim->sessions[i];
}

void sso_claim_record(struct sso_face *face, const struct sso_claim *claim, const struct sso_claim_finding *finding)
{
    if (finding->verdict == SSO_CLAIM_NOBODY || finding->verdict == SSO_CLAIM_UNDECIDED || claim->session_count == 0)
        return;
    struct sso_job *job = sso_job_new(face, STORE_CHANGE_SIGN_ON, false, on_recorded);
    if (job == NULL)
        return; /* too much is under way: the session's next request brings it up again */
    change_fill(job->change, claim, finding);
    sso_binding_hold(job, finding->verdict == SSO_CLAIM_ALLOWED ? SSO_HELD_BOUND : SSO_HELD_REFUSED);
    sso_job_submit(job);
}
