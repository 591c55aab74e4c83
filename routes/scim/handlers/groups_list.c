#include "routes/reply.h"
#include "routes/scim/handlers/candidates.h"
#include "routes/scim/handlers/group_match.h"
#include "routes/scim/handlers/group_text.h"
#include "routes/scim/handlers/group_view.h"
#include "routes/scim/handlers/handlers.h"
#include "routes/scim/handlers/page.h"
#include "routes/scim/handlers/user_view.h"

/* The cost limit of a filter that no index answers: groups that are looked at; and GROUP_TREE_MEMBERS_MAX. Beyond: 400
 * tooMany (RFC 7644 section 3.4.2.1). */
#define FILTER_GROUPS_MAX 100000u

/* What is being done; each may take several turns of the loop (turn.h). */
enum stage {
    STAGE_PAGE,      /* without a filter: positions are the store's */
    STAGE_SCAN,      /* no index helps: every group is put to the filter */
    STAGE_CANDIDATES /* indexes named these; each is put to the filter */
};

struct group_listing {
    struct prov_request *r;
    enum stage stage;
    struct turn turn;
    bool is_paused;         /* the turn was spent before the work was done */
    struct group_text open; /* the group that was written last; its members may go on in the next turn */
    bool is_under_way;      /* not the first turn */
    uint64_t next_seq;      /* where PAGE and SCAN go on */
    struct candidates candidates;
    const struct scim_filter *filter; /* NULL: all */
    struct scim_plan plan;
    struct group_match match;
    struct gw_buf resources; /* JSON text with commas between */
    struct gw_arena scratch;
    uint64_t total; /* found so far; of a list without a filter, all there are */
    uint64_t examined;
    size_t emitted;
    enum gw_code code;
    struct gw_error err;
};

/* What the exchange's arena does not free. */
static void listing_done(void *data)
{
    struct group_listing *list = data;
    gw_buf_done(&list->resources);
    gw_arena_done(&list->scratch);
    group_match_done(&list->match);
}

static bool is_page_full(const struct group_listing *list)
{
    return list->emitted >= list->r->query.count;
}

static bool may_go_on(struct group_listing *list)
{
    list->is_paused =
        list->code == GW_OK && (list->open.is_open || group_match_is_open(&list->match) || turn_is_spent(&list->turn));
    return list->code == GW_OK && !list->is_paused;
}

static void say_too_large(struct group_listing *list)
{
    if (list->code == GW_E_TOO_MANY)
        list->code = gw_fail(&list->err, GW_E_TOO_MANY,
                             "the page is too large; ask for fewer groups or for excludedAttributes=members");
}

static void emit(struct group_listing *list, const struct store_group *group)
{
    gw_arena_reset(&list->scratch);
    if (list->emitted++ > 0)
        gw_buf_add_byte(&list->resources, ',');
    list->code = group_text_begin(&list->open, &list->resources, &list->scratch, list->r, group, /* members= */ true,
                                  &list->err);
    if (list->code == GW_OK && list->open.is_open)
        list->code = group_text_go_on(&list->open, &list->resources, list->r, group, &list->turn, &list->err);
    say_too_large(list);
}

/* What the last turn left open. */
static void finish_open(struct group_listing *list)
{
    list->code = group_text_go_on(&list->open, &list->resources, list->r, /* group= */ NULL, &list->turn, &list->err);
    say_too_large(list);
    if (list->open.is_gone && --list->emitted > 0)
        list->resources.len--; /* the comma before it */
    list->is_paused = list->code == GW_OK && list->open.is_open;
}

static bool on_page_group(const struct store_group *group, void *data)
{
    struct group_listing *list = data;
    if (is_page_full(list))
        return false;
    emit(list, group);
    list->next_seq = group->seq + 1;
    return may_go_on(list);
}

/* Counts every match, and shows those of the page. */
static void put_group(struct group_listing *list, const struct store_group *group)
{
    bool is_match = list->plan.exact;
    gw_arena_reset(&list->scratch);
    if (!is_match)
        list->code = group_match_put(&list->match, &list->scratch, group, &list->turn, &is_match, &list->err);
    if (list->code == GW_OK && is_match && ++list->total >= list->r->query.start_index && !is_page_full(list))
        emit(list, group);
}

static bool on_scanned(const struct store_group *group, void *data)
{
    struct group_listing *list = data;
    if (!group_match_is_open(&list->match) && ++list->examined > FILTER_GROUPS_MAX) {
        list->code = gw_fail(&list->err, GW_E_TOO_MANY,
                             "no index answers this filter and there are more than %u groups; use displayName, "
                             "externalId, id, members.value or meta.lastModified",
                             FILTER_GROUPS_MAX);
        return false;
    }
    put_group(list, group);
    list->next_seq = group_match_is_open(&list->match) ? group->seq : group->seq + 1;
    return may_go_on(list);
}

/* ---- candidates ---- */

struct found {
    uint64_t *seqs;
    size_t max;
    size_t count;
};

static bool on_found(const struct store_group *group, void *data)
{
    struct found *found = data;
    found->seqs[found->count++] = group->seq;
    return found->count < found->max;
}

static enum gw_code find_groups(struct prov_request *r, const struct scim_lookup *lookup, uint64_t *ret_seqs,
                                size_t max, size_t *ret_count, struct gw_error *err)
{
    struct found found = {ret_seqs, max, 0};
    uint64_t user = 0;
    *ret_count = 0;
    if (lookup->kind == SCIM_LOOKUP_ID) {
        *ret_count = group_id_parse(r, lookup->value, ret_seqs);
        return GW_OK;
    }
    if (lookup->kind == SCIM_LOOKUP_MEMBER) {
        if (user_id_parse(r, lookup->value, &user))
            GW_TRY(store_user_groups(r->face->reader, r->app->folder, user, on_found, &found, err));
        *ret_count = found.count;
        return GW_OK;
    }
    enum store_index index =
        lookup->kind == SCIM_LOOKUP_EXTERNAL_ID ? STORE_INDEX_GROUP_EXTERNAL_ID : STORE_INDEX_GROUP_NAME;
    return store_groups_find(r->face->reader, r->app->folder, index, lookup->value, ret_seqs, max, ret_count, err);
}

static const struct candidate_index groups_index = {"groups", find_groups, store_groups_modified};

static void put_candidate(struct group_listing *list, uint64_t seq)
{
    struct prov_request *r = list->r;
    struct store_group group;
    if (list->plan.exact && (list->total + 1 < r->query.start_index || is_page_full(list))) {
        list->total++;
        return;
    }
    GW_ARENA_SCOPED(arena);
    enum gw_code code = store_group_get(r->face->reader, &arena, r->app->folder, seq, &group, &list->err);
    if (code == GW_OK)
        put_group(list, &group);
    else if (code == GW_E_NOT_FOUND)
        group_match_forget(&list->match); /* if it was this one */
    else
        list->code = code;
}

static void put_candidates(struct group_listing *list)
{
    uint64_t seq;
    bool is_found = false;
    list->code = candidates_find(&list->candidates, &list->turn, &is_found, &list->err);
    list->is_paused = !is_found;
    while (list->code == GW_OK && !list->is_paused && candidates_next(&list->candidates, &seq)) {
        put_candidate(list, seq);
        if (group_match_is_open(&list->match))
            candidates_again(&list->candidates);
        (void)may_go_on(list);
    }
}

/* ---- the whole ---- */

static void plan_stages(struct group_listing *list)
{
    struct prov_request *r = list->r;
    if (list->filter == NULL) {
        list->code = store_groups_count(r->face->reader, r->app->folder, &list->total, &list->err);
        return;
    }
    list->plan = scim_filter_plan(r->arena, list->filter, r->app->group_type);
    list->stage = list->plan.scan ? STAGE_SCAN : STAGE_CANDIDATES;
    candidates_init(&list->candidates, r, &groups_index, &list->plan);
    group_match_init(&list->match, r, list->filter);
}

static void walk(struct group_listing *list)
{
    struct prov_request *r = list->r;
    bool is_page = list->stage == STAGE_PAGE;
    enum gw_code code;
    if (is_page && is_page_full(list))
        return;
    if (is_page && list->next_seq == 0)
        code = store_groups_page(r->face->reader, r->app->folder, r->query.start_index - 1, r->query.count,
                                 on_page_group, list, &list->err);
    else
        code = store_groups_scan(r->face->reader, r->app->folder, list->next_seq, is_page ? on_page_group : on_scanned,
                                 list, &list->err);
    if (list->code == GW_OK)
        list->code = code;
}

static void run_stages(struct group_listing *list)
{
    if (!list->is_under_way)
        plan_stages(list);
    list->is_under_way = true;
    if (list->code != GW_OK)
        return;
    if (list->stage == STAGE_CANDIDATES)
        put_candidates(list);
    else
        walk(list);
}

static void answer_page(struct group_listing *list)
{
    if (list->code != GW_OK)
        reply_error(list->r, list->code, list->err.text);
    else
        page_reply(list->r, list->total, list->emitted, &list->resources,
                   "the page is too large; ask for fewer groups");
}

/* One turn's part. */
static void go_on(struct prov_request *r)
{
    struct group_listing *list = r->state;
    list->is_paused = false;
    turn_begin(&list->turn);
    if (list->code == GW_OK)
        list->code = store_reader_begin(r->face->reader, &list->err);
    if (list->code == GW_OK) {
        if (list->open.is_open)
            finish_open(list);
        if (list->code == GW_OK && !list->is_paused)
            run_stages(list);
        store_reader_end(r->face->reader);
    }
    bool is_enough = !list->open.is_open && list->stage == STAGE_PAGE && is_page_full(list);
    if (list->code == GW_OK && list->is_paused && !is_enough)
        turn_later(r, go_on);
    else
        answer_page(list);
}

static void answer_list(struct prov_request *r)
{
    struct group_listing *list = gw_arena_alloc(r->arena, sizeof *list);
    list->r = r;
    gw_buf_init(&list->resources, REPLY_BYTES_MAX);
    r->state = list;
    r->on_over = listing_done;
    list->code = group_projection_read(r, &list->err);
    if (list->code == GW_OK && r->query.filter.len > 0)
        list->code = scim_filter_parse(r->arena, r->app->group_type, r->query.filter, &list->filter, &list->err);
    go_on(r);
}

void groups_on_list(struct prov_request *r)
{
    answer_list(r);
}

void groups_on_search(struct prov_request *r)
{
    page_search(r, answer_list);
}

void groups_on_get(struct prov_request *r)
{
    struct gw_error err = {0};
    uint64_t seq = 0;
    enum gw_code code = group_projection_read(r, &err);
    if (code == GW_OK && !group_id_parse(r, r->id, &seq))
        code = gw_fail(&err, GW_E_NOT_FOUND, "there is no group with this id");
    if (code != GW_OK)
        reply_error_from(r, &err);
    else
        group_reply(r, 200, seq, GROUP_MEMBERS_ALL);
}
