#include "routes/reply.h"
#include "routes/scim/filter_plan.h"
#include "routes/scim/handlers/handlers.h"
#include "routes/scim/handlers/user_view.h"
#include "routes/scim/message.h"

#include <stdlib.h>

/* The cost limits of a filter that no index answers: users whose record is read in full, users walked over, and
 * candidates that indexes may name. Beyond: 400 tooMany (RFC 7644 section 3.4.2.1). */
#define FILTER_USERS_MAX 100000u
#define FILTER_WALK_MAX 5000000u
#define FILTER_CANDIDATES_MAX 10000u
#define FILTER_CANDIDATES_FEW 64u /* the usual case takes no memory for them */

/* A page is cut after this many bytes, but never below PAGE_USERS_MIN: Okta goes on at startIndex + 100 whatever it got
 * (scim-clients.md, rule 4). */
#define PAGE_BYTES (32u * 1024u * 1024u)
#define PAGE_USERS_MIN 100u

struct listing {
    struct prov_request *r;
    const struct scim_filter *filter; /* NULL: all */
    int64_t since_ms;                 /* users that were not modified since then cannot match; 0: any can */
    struct gw_buf resources;          /* JSON text with commas between */
    struct gw_arena scratch;
    uint64_t matched;
    uint64_t examined;
    uint64_t walked;
    size_t emitted;
    enum gw_code code;
    struct gw_error err;
};

static bool is_page_full(const struct listing *list)
{
    return list->emitted >= list->r->query.count ||
           (list->emitted >= PAGE_USERS_MIN && list->resources.len >= PAGE_BYTES);
}

static void emit(struct listing *list, const struct store_user *user)
{
    if (list->emitted++ > 0)
        gw_buf_add_byte(&list->resources, ',');
    list->code = user_write(&list->resources, &list->scratch, list->r, user, &list->err);
}

static bool load(struct listing *list, const struct store_user *user, struct json_value **ret_resource)
{
    gw_arena_reset(&list->scratch);
    list->code = user_resource(&list->scratch, list->r, user, ret_resource, &list->err);
    return list->code == GW_OK;
}

/* Without a filter: positions are the store's. */
static bool on_page_user(const struct store_user *user, void *data)
{
    struct listing *list = data;
    if (is_page_full(list))
        return false;
    gw_arena_reset(&list->scratch);
    emit(list, user);
    return list->code == GW_OK;
}

/* With a filter: counts every match, and shows those of the page. */
static bool on_candidate(const struct store_user *user, void *data)
{
    struct listing *list = data;
    struct json_value *resource = NULL;
    if (!load(list, user, &resource))
        return false;
    if (!scim_filter_matches(list->filter, resource, &list->scratch))
        return true;
    if (++list->matched >= list->r->query.start_index && !is_page_full(list))
        emit(list, user);
    return list->code == GW_OK;
}

static bool on_scanned(const struct store_user *user, void *data)
{
    struct listing *list = data;
    bool can_match = list->since_ms == 0 || user->modified_ms >= list->since_ms;
    if (++list->walked > FILTER_WALK_MAX || (can_match && ++list->examined > FILTER_USERS_MAX)) {
        list->code = gw_fail(&list->err, GW_E_TOO_MANY,
                             "no index answers this filter and there are more than %u users to look at; use userName, "
                             "externalId, emails, id or meta.lastModified",
                             FILTER_USERS_MAX);
        return false;
    }
    return !can_match || on_candidate(user, list);
}

static int compare_seqs(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a;
    uint64_t right = *(const uint64_t *)b;
    return (left > right) - (left < right);
}

static enum gw_code find_seqs(struct listing *list, const struct scim_lookup *lookup, uint64_t *ret_seqs, size_t max,
                              size_t *ret_count)
{
    struct prov_request *r = list->r;
    enum store_index index = STORE_INDEX_USER_NAME;
    *ret_count = 0;
    if (lookup->kind == SCIM_LOOKUP_ID) {
        *ret_count = max > 0 && user_id_parse(r, lookup->value, ret_seqs) && *ret_seqs != SERVICE_USER_SEQ;
        return GW_OK;
    }
    if (lookup->kind == SCIM_LOOKUP_EXTERNAL_ID)
        index = STORE_INDEX_EXTERNAL_ID;
    else if (lookup->kind == SCIM_LOOKUP_EMAIL)
        index = STORE_INDEX_EMAIL;
    return store_users_find(r->face->reader, r->app->folder, index, lookup->value, ret_seqs, max, ret_count,
                            &list->err);
}

static void list_candidates(struct listing *list, const uint64_t *seqs, size_t count)
{
    struct prov_request *r = list->r;
    for (size_t i = 0; i < count && list->code == GW_OK; i++) {
        struct store_user user;
        GW_ARENA_SCOPED(arena);
        if (i > 0 && seqs[i] == seqs[i - 1])
            continue;
        enum gw_code code = store_user_get(r->face->reader, &arena, r->app->folder, seqs[i], &user, &list->err);
        if (code == GW_OK && (user.state.flags & STORE_USER_DELETED) == 0)
            (void)on_candidate(&user, list);
        else if (code != GW_OK && code != GW_E_NOT_FOUND)
            list->code = code;
    }
}

/* False: there are more than `max`. */
static bool find_candidates(struct listing *list, const struct scim_plan *plan, uint64_t *seqs, size_t max,
                            size_t *ret_count)
{
    *ret_count = 0;
    for (size_t i = 0; i < plan->lookup_count && list->code == GW_OK; i++) {
        size_t found = 0;
        list->code = find_seqs(list, &plan->lookups[i], seqs + *ret_count, max - *ret_count, &found);
        *ret_count += found;
    }
    return *ret_count < max;
}

static void list_by_index(struct listing *list, const struct scim_plan *plan)
{
    uint64_t few[FILTER_CANDIDATES_FEW];
    uint64_t *seqs = few;
    size_t count = 0;
    if (!find_candidates(list, plan, few, FILTER_CANDIDATES_FEW, &count) && list->code == GW_OK) {
        seqs = gw_arena_array(list->r->arena, FILTER_CANDIDATES_MAX, sizeof seqs[0]);
        if (!find_candidates(list, plan, seqs, FILTER_CANDIDATES_MAX, &count) && list->code == GW_OK)
            list->code =
                gw_fail(&list->err, GW_E_TOO_MANY, "the filter names more than %u users", FILTER_CANDIDATES_MAX);
    }
    qsort(seqs, count, sizeof seqs[0], compare_seqs);
    list_candidates(list, seqs, count);
}

/* The earliest time when all lookups ask for recent changes, else 0. */
static int64_t scan_since(const struct scim_plan *plan)
{
    int64_t since_ms = 0;
    for (size_t i = 0; i < plan->lookup_count; i++) {
        if (plan->lookups[i].kind != SCIM_LOOKUP_MODIFIED)
            return 0;
        if (i == 0 || plan->lookups[i].since_ms < since_ms)
            since_ms = plan->lookups[i].since_ms;
    }
    return since_ms;
}

static bool needs_scan(const struct scim_plan *plan)
{
    for (size_t i = 0; i < plan->lookup_count; i++) {
        if (plan->lookups[i].kind == SCIM_LOOKUP_MODIFIED)
            return true;
    }
    return plan->scan;
}

/* Index look-ups name it by its id or by its one name; any other filter has to be put to it. */
static bool may_be_service_user(const struct prov_request *r, const struct scim_plan *plan)
{
    for (size_t i = 0; i < plan->lookup_count && !needs_scan(plan); i++) {
        const struct scim_lookup *lookup = &plan->lookups[i];
        uint64_t seq;
        if (lookup->kind == SCIM_LOOKUP_ID && user_id_parse(r, lookup->value, &seq) && seq == SERVICE_USER_SEQ)
            return true;
        if (lookup->kind != SCIM_LOOKUP_ID && service_user_has_name(r, lookup->value))
            return true;
    }
    return needs_scan(plan);
}

static uint64_t list_filtered(struct listing *list)
{
    struct prov_request *r = list->r;
    struct scim_plan plan = scim_filter_plan(r->arena, list->filter, r->app->user_type);
    struct store_user first = service_user(r);
    if (service_user_is_on(r) && may_be_service_user(r, &plan))
        (void)on_candidate(&first, list);
    if (list->code != GW_OK)
        return 0;
    if (!needs_scan(&plan)) {
        list_by_index(list, &plan);
        return list->matched;
    }
    list->since_ms = scan_since(&plan);
    enum gw_code code = store_users_scan(r->face->reader, r->app->folder, 0, on_scanned, list, &list->err);
    if (list->code == GW_OK)
        list->code = code;
    return list->matched;
}

static uint64_t list_all(struct listing *list)
{
    struct prov_request *r = list->r;
    uint64_t service = service_user_is_on(r) ? 1 : 0;
    uint64_t position = r->query.start_index - 1;
    uint64_t stored = 0;
    struct store_user first = service_user(r);
    list->code = store_users_count(r->face->reader, r->app->folder, &stored, &list->err);
    if (list->code == GW_OK && service > 0 && position == 0)
        (void)on_page_user(&first, list);
    if (list->code != GW_OK || is_page_full(list))
        return stored + service;
    uint64_t from = position > service ? position - service : 0;
    enum gw_code code = store_users_page(r->face->reader, r->app->folder, from, r->query.count - list->emitted,
                                         on_page_user, list, &list->err);
    if (list->code == GW_OK)
        list->code = code;
    return stored + service;
}

static void answer_page(struct listing *list, uint64_t total)
{
    struct prov_request *r = list->r;
    if (list->code != GW_OK) {
        reply_error(r, list->code, list->err.text);
        return;
    }
    GW_BUF_SCOPED(body, REPLY_BYTES_MAX);
    scim_list_write(&body, total, r->query.start_index, list->emitted, gw_buf_str(&list->resources));
    if (body.overflow || list->resources.overflow)
        reply_error(r, GW_E_TOO_MANY, "the page is too large; ask for fewer users");
    else
        reply_text(r, 200, NULL, 0, gw_buf_str(&body));
}

static void answer_list(struct prov_request *r)
{
    struct listing list = {.r = r, .resources = GW_BUF_INIT(REPLY_BYTES_MAX)};
    uint64_t total = 0;
    list.code = user_projection_read(r, &list.err);
    if (list.code == GW_OK && r->query.filter.len > 0)
        list.code = scim_filter_parse(r->arena, r->app->user_type, r->query.filter, &list.filter, &list.err);
    if (list.code == GW_OK)
        list.code = store_reader_begin(r->face->reader, &list.err);
    if (list.code == GW_OK) {
        total = list.filter != NULL ? list_filtered(&list) : list_all(&list);
        store_reader_end(r->face->reader);
    }
    answer_page(&list, total);
    gw_buf_done(&list.resources);
    gw_arena_done(&list.scratch);
}

void users_on_list(struct prov_request *r)
{
    answer_list(r);
}

void users_on_search(struct prov_request *r)
{
    struct gw_error err = {0};
    if (route_query_read(r->arena, r->body, &r->query, &err) != GW_OK)
        reply_error_from(r, &err);
    else
        answer_list(r);
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
