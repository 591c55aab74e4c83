#include "gateway/base/clock.h"
#include "routes/reply.h"
#include "routes/scim/handlers/candidates.h"
#include "routes/scim/handlers/handlers.h"
#include "routes/scim/handlers/page.h"
#include "routes/scim/handlers/user_rules.h"
#include "routes/scim/handlers/user_view.h"

/* The cost limit of a filter that no index answers: users whose record is read. Beyond: 400 tooMany (RFC 7644 section
 * 3.4.2.1). */
#define FILTER_USERS_MAX 100000u

/* A page is cut after this many bytes, but never below PAGE_USERS_MIN: Okta goes on at startIndex + 100 whatever it got
 * (scim-clients.md, rule 4). */
#define PAGE_BYTES (32u * 1024u * 1024u)
#define PAGE_USERS_MIN 100u

/* What is being done; each may take several turns of the loop (turn.h). */
enum stage {
    STAGE_PAGE,      /* without a filter: positions are the store's */
    STAGE_SCAN,      /* no index helps: every user is put to the filter */
    STAGE_CANDIDATES /* each that indexes name is put to the filter */
};

struct listing {
    struct prov_request *r;
    const struct scim_filter *filter; /* NULL: all */
    struct scim_plan plan;
    enum stage stage;
    struct turn turn;
    bool is_paused;    /* the turn was spent before the work was done */
    bool is_under_way; /* not the first turn */
    uint64_t next_seq; /* where PAGE and SCAN go on */
    struct candidates candidates;
    struct gw_buf resources; /* JSON text with commas between */
    struct gw_arena scratch;
    uint64_t total; /* found so far; of a list without a filter, all there are */
    uint64_t examined;
    size_t emitted;
    enum gw_code code;
    struct gw_error err;
};

/* Nothing of a listing is freed by the exchange's arena. */
static void listing_done(void *data)
{
    struct listing *list = data;
    gw_buf_done(&list->resources);
    gw_arena_done(&list->scratch);
}

static bool is_page_full(const struct listing *list)
{
    return list->emitted >= list->r->query.count ||
           (list->emitted >= PAGE_USERS_MIN && list->resources.len >= PAGE_BYTES);
}

static bool may_go_on(struct listing *list)
{
    list->is_paused = list->code == GW_OK && turn_is_spent(&list->turn);
    return list->code == GW_OK && !list->is_paused;
}

static void emit(struct listing *list, const struct store_user *user)
{
    if (list->emitted++ > 0)
        gw_buf_add_byte(&list->resources, ',');
    list->code = user_write(&list->resources, &list->scratch, list->r, user, &list->err);
}

/* ---- one user ---- */

static bool on_page_user(const struct store_user *user, void *data)
{
    struct listing *list = data;
    if (is_page_full(list))
        return false;
    gw_arena_reset(&list->scratch);
    emit(list, user);
    list->next_seq = user->seq + 1;
    return may_go_on(list);
}

/* Counts every match, and shows those of the page. */
static void match(struct listing *list, const struct store_user *user)
{
    struct json_value *resource = NULL;
    gw_arena_reset(&list->scratch);
    if (!list->plan.exact || user->seq == SERVICE_USER_SEQ) {
        list->code = user_resource(&list->scratch, list->r, user, &resource, &list->err);
        if (list->code != GW_OK || !scim_filter_matches(list->filter, resource, &list->scratch))
            return;
    }
    if (++list->total >= list->r->query.start_index && !is_page_full(list))
        emit(list, user);
}

static bool on_scanned(const struct store_user *user, void *data)
{
    struct listing *list = data;
    if (++list->examined > FILTER_USERS_MAX) {
        list->code = gw_fail(&list->err, GW_E_TOO_MANY,
                             "no index answers this filter and there are more than %u users to look at; use userName, "
                             "externalId, emails, id or meta.lastModified",
                             FILTER_USERS_MAX);
        return false;
    }
    match(list, user);
    list->next_seq = user->seq + 1;
    return may_go_on(list);
}

/* ---- candidates ---- */

static enum gw_code find_users(struct prov_request *r, const struct scim_lookup *lookup, uint64_t *ret_seqs, size_t max,
                               size_t *ret_count, struct gw_error *err)
{
    enum store_index index = STORE_INDEX_USER_NAME;
    if (lookup->kind == SCIM_LOOKUP_ID) {
        *ret_count = user_id_parse(r, lookup->value, ret_seqs) && *ret_seqs != SERVICE_USER_SEQ;
        return GW_OK;
    }
    if (lookup->kind == SCIM_LOOKUP_EXTERNAL_ID)
        index = STORE_INDEX_EXTERNAL_ID;
    else if (lookup->kind == SCIM_LOOKUP_EMAIL)
        index = STORE_INDEX_EMAIL;
    return store_users_find(r->face->reader, r->app->folder, index, lookup->value, ret_seqs, max, ret_count, err);
}

static const struct candidate_index users_index = {"users", find_users, store_users_modified};

static void put_candidate(struct listing *list, uint64_t seq)
{
    struct prov_request *r = list->r;
    struct store_user user;
    if (list->plan.exact && (list->total + 1 < r->query.start_index || is_page_full(list))) {
        list->total++;
        return;
    }
    GW_ARENA_SCOPED(arena);
    enum gw_code code = store_user_get(r->face->reader, &arena, r->app->folder, seq, &user, &list->err);
    if (code == GW_OK && (user.state.flags & STORE_USER_DELETED) == 0)
        match(list, &user);
    else if (code != GW_OK && code != GW_E_NOT_FOUND)
        list->code = code;
}

static void put_candidates(struct listing *list)
{
    uint64_t seq;
    bool is_found = false;
    list->code = candidates_find(&list->candidates, &list->turn, &is_found, &list->err);
    list->is_paused = !is_found;
    while (list->code == GW_OK && !list->is_paused && candidates_next(&list->candidates, &seq)) {
        put_candidate(list, seq);
        (void)may_go_on(list);
    }
}

/* ---- all users ---- */

static void walk(struct listing *list)
{
    struct prov_request *r = list->r;
    bool is_page = list->stage == STAGE_PAGE;
    enum gw_code code;
    if (is_page && r->query.start_index > 1) /* an import walk: no position may shift under it */
        atomic_store_explicit(&r->face->walked_ms, gw_clock_mono_ms(), memory_order_relaxed);
    if (is_page && is_page_full(list))
        return;
    if (is_page && !list->is_under_way) {
        uint64_t service = service_user_is_on(r) ? 1 : 0;
        uint64_t position = r->query.start_index - 1;
        uint64_t from = position > service ? position - service : 0;
        code = store_users_page(r->face->reader, r->app->folder, from, r->query.count - list->emitted, on_page_user,
                                list, &list->err);
    } else {
        code = store_users_scan(r->face->reader, r->app->folder, list->next_seq, is_page ? on_page_user : on_scanned,
                                list, &list->err);
    }
    list->is_under_way = true;
    if (list->code == GW_OK)
        list->code = code;
}

static void count_all(struct listing *list)
{
    struct prov_request *r = list->r;
    struct store_user first = service_user(r);
    list->code = store_users_count(r->face->reader, r->app->folder, &list->total, &list->err);
    if (list->code != GW_OK || !service_user_is_on(r))
        return;
    list->total++;
    if (r->query.start_index == 1)
        (void)on_page_user(&first, list);
    list->next_seq = 0;
}

/* ---- the whole ---- */

static bool asks_for_times(const struct scim_plan *plan)
{
    for (size_t i = 0; i < plan->lookup_count; i++) {
        if (plan->lookups[i].kind == SCIM_LOOKUP_MODIFIED)
            return true;
    }
    return false;
}

/* Index look-ups name it by its id or by its one name; any other filter has to be put to it. */
static bool may_be_service_user(const struct prov_request *r, const struct scim_plan *plan)
{
    if (plan->scan || asks_for_times(plan))
        return true;
    for (size_t i = 0; i < plan->lookup_count; i++) {
        const struct scim_lookup *lookup = &plan->lookups[i];
        uint64_t seq;
        if (lookup->kind == SCIM_LOOKUP_ID && user_id_parse(r, lookup->value, &seq) && seq == SERVICE_USER_SEQ)
            return true;
        if (lookup->kind != SCIM_LOOKUP_ID && user_rules_is_service(&r->app->config->prov, r->arena, lookup->value))
            return true;
    }
    return false;
}

static void plan_stages(struct listing *list)
{
    struct prov_request *r = list->r;
    struct store_user first = service_user(r);
    if (list->filter == NULL)
        return;
    list->plan = scim_filter_plan(r->arena, list->filter, r->app->user_type);
    list->stage = list->plan.scan ? STAGE_SCAN : STAGE_CANDIDATES;
    candidates_init(&list->candidates, r, &users_index, &list->plan);
    if (service_user_is_on(r) && may_be_service_user(r, &list->plan))
        match(list, &first);
}

static void answer_page(struct listing *list)
{
    if (list->code != GW_OK)
        reply_error(list->r, list->code, list->err.text);
    else
        page_reply(list->r, list->total, list->emitted, &list->resources, "the page is too large; ask for fewer users");
}

static void run_stages(struct listing *list)
{
    if (list->stage == STAGE_PAGE && !list->is_under_way)
        count_all(list);
    if (list->code != GW_OK)
        return;
    if (list->stage == STAGE_CANDIDATES)
        put_candidates(list);
    else
        walk(list);
}

/* One turn's part. */
static void go_on(struct prov_request *r)
{
    struct listing *list = r->state;
    list->is_paused = false;
    turn_begin(&list->turn);
    if (list->code == GW_OK)
        list->code = store_reader_begin(r->face->reader, &list->err);
    if (list->code == GW_OK) {
        run_stages(list);
        store_reader_end(r->face->reader);
    }
    if (list->code == GW_OK && list->is_paused && !(list->stage == STAGE_PAGE && is_page_full(list)))
        turn_later(r, go_on);
    else
        answer_page(list);
}

static void answer_list(struct prov_request *r)
{
    struct listing *list = gw_arena_alloc(r->arena, sizeof *list);
    *list = (struct listing){.r = r, .resources = GW_BUF_INIT(REPLY_BYTES_MAX)};
    r->state = list;
    r->on_over = listing_done;
    list->code = user_projection_read(r, &list->err);
    if (list->code == GW_OK && r->query.filter.len > 0)
        list->code = scim_filter_parse(r->arena, r->app->user_type, r->query.filter, &list->filter, &list->err);
    if (list->code == GW_OK)
        plan_stages(list);
    go_on(r);
}

void users_on_list(struct prov_request *r)
{
    answer_list(r);
}

void users_on_search(struct prov_request *r)
{
    page_search(r, answer_list);
}

void users_on_get(struct prov_request *r)
{
    struct gw_error err = {0};
    struct store_user user = service_user(r);
    uint64_t seq = 0;
    enum gw_code code = user_projection_read(r, &err);
    if (code == GW_OK && !user_id_parse(r, r->id, &seq))
        code = gw_fail(&err, GW_E_NOT_FOUND, "there is no user with this id");
    if (code == GW_OK && seq != SERVICE_USER_SEQ)
        code = user_fetch(r, seq, &user, &err);
    if (code != GW_OK)
        reply_error_from(r, &err);
    else
        user_reply(r, 200, &user);
}
