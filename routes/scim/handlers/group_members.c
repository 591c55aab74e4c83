#include "routes/scim/handlers/group_members.h"

#include "gateway/base/clock.h"
#include "routes/pending.h"

#include <stdlib.h>

#define LOAD_PART 4096u

static int compare_users(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a;
    uint64_t right = *(const uint64_t *)b;
    return (left > right) - (left < right);
}

static void sort_unique(struct member_list *list)
{
    size_t kept = 0;
    if (list->count > 1)
        qsort(list->users, list->count, sizeof list->users[0], compare_users);
    for (size_t i = 0; i < list->count; i++) {
        if (i == 0 || list->users[i] != list->users[i - 1])
            list->users[kept++] = list->users[i];
    }
    list->count = kept;
}

static enum gw_code load(struct prov_request *r, uint64_t group_seq, struct member_list *ret_list,
                         uint64_t *ret_version, struct gw_error *err)
{
    struct store_reader *reader = r->face->reader;
    struct store_group group;
    uint64_t size = 0;
    size_t part = LOAD_PART;
    enum gw_code code = store_group_get(reader, r->arena, r->app->folder, group_seq, &group, err);
    if (code != GW_OK)
        return code == GW_E_NOT_FOUND ? gw_fail(err, code, "there is no group with this id") : code;
    GW_TRY(store_group_size(reader, &group, &size, err));
    *ret_list = (struct member_list){gw_arena_array(r->arena, (size_t)size + 1, sizeof(uint64_t)), 0};
    while (part == LOAD_PART) {
        uint64_t from = ret_list->count > 0 ? ret_list->users[ret_list->count - 1] + 1 : 0;
        size_t room = (size_t)size + 1 - ret_list->count;
        GW_TRY(store_group_members(reader, &group, from, ret_list->users + ret_list->count,
                                   room < LOAD_PART ? room : LOAD_PART, &part, err));
        ret_list->count += part;
    }
    *ret_version = group.version;
    return GW_OK;
}

enum gw_code member_list_load(struct prov_request *r, uint64_t group_seq, struct member_list *ret_list,
                              uint64_t *ret_version, struct gw_error *err)
{
    GW_TRY(store_reader_begin(r->face->reader, err));
    enum gw_code code = load(r, group_seq, ret_list, ret_version, err);
    store_reader_end(r->face->reader);
    return code;
}

struct member_list member_list_added(struct gw_arena *arena, const struct store_member_op *ops, size_t count)
{
    struct member_list list = {gw_arena_array(arena, count, sizeof(uint64_t)), 0};
    for (size_t i = 0; i < count; i++) {
        if (ops[i].kind == STORE_MEMBER_ADD)
            list.users[list.count++] = ops[i].user_seq;
    }
    sort_unique(&list);
    return list;
}

/* The last word on each user, in ascending order. */
struct verdict {
    uint64_t user;
    size_t rank;
    bool is_member;
};

static int compare_verdicts(const void *a, const void *b)
{
    const struct verdict *left = a;
    const struct verdict *right = b;
    if (left->user != right->user)
        return left->user < right->user ? -1 : 1;
    return (left->rank > right->rank) - (left->rank < right->rank);
}

static size_t find_verdicts(struct verdict *verdicts, const struct store_member_op *ops, size_t count)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++)
        verdicts[i] = (struct verdict){ops[i].user_seq, i, ops[i].kind == STORE_MEMBER_ADD};
    if (count > 1)
        qsort(verdicts, count, sizeof *verdicts, compare_verdicts);
    for (size_t i = 0; i < count; i++) {
        if (i + 1 == count || verdicts[i + 1].user != verdicts[i].user)
            verdicts[kept++] = verdicts[i];
    }
    return kept;
}

struct member_list member_list_apply(struct gw_arena *arena, const struct member_list *before,
                                     const struct store_member_op *ops, size_t count)
{
    size_t first = 0;
    for (size_t i = 0; i < count; i++)
        first = ops[i].kind == STORE_MEMBER_CLEAR ? i + 1 : first;
    size_t kept = first > 0 ? 0 : before->count; /* nobody stays when all were taken away in between */
    struct verdict *verdicts = gw_arena_array(arena, count - first, sizeof *verdicts);
    size_t verdict_count = find_verdicts(verdicts, ops + first, count - first);
    struct member_list after = {gw_arena_array(arena, kept + verdict_count, sizeof(uint64_t)), 0};
    size_t at = 0;
    for (size_t i = 0; i < verdict_count; i++) {
        while (at < kept && before->users[at] < verdicts[i].user)
            after.users[after.count++] = before->users[at++];
        if (at < kept && before->users[at] == verdicts[i].user)
            at++;
        if (verdicts[i].is_member)
            after.users[after.count++] = verdicts[i].user;
    }
    while (at < kept)
        after.users[after.count++] = before->users[at++];
    return after;
}

struct store_member_op *member_list_diff(struct gw_arena *arena, const struct member_list *before,
                                         const struct member_list *after, size_t *ret_count)
{
    struct store_member_op *ops = gw_arena_array(arena, STORE_MEMBER_OPS_MAX, sizeof *ops);
    size_t count = 0;
    size_t i = 0;
    size_t j = 0;
    while (i < before->count || j < after->count) {
        bool goes = j == after->count || (i < before->count && before->users[i] < after->users[j]);
        bool comes = !goes && (i == before->count || after->users[j] < before->users[i]);
        if ((goes || comes) && count == STORE_MEMBER_OPS_MAX)
            return NULL;
        if (goes)
            ops[count++] = (struct store_member_op){STORE_MEMBER_REMOVE, before->users[i]};
        else if (comes)
            ops[count++] = (struct store_member_op){STORE_MEMBER_ADD, after->users[j]};
        i += !comes;
        j += !goes;
    }
    *ret_count = count;
    return ops;
}

struct store_member_op *member_list_replace(struct gw_arena *arena, const struct member_list *after, bool clear,
                                            size_t *ret_count)
{
    struct store_member_op *ops = gw_arena_array(arena, after->count + 1, sizeof *ops);
    size_t count = 0;
    if (clear)
        ops[count++] = (struct store_member_op){STORE_MEMBER_CLEAR, 0};
    for (size_t i = 0; i < after->count; i++)
        ops[count++] = (struct store_member_op){STORE_MEMBER_ADD, after->users[i]};
    *ret_count = count;
    return ops;
}

/* ---- staging ---- */

/* What a stage waits for: its list's next part. */
static void on_staged(struct prov_request *r, struct store_change *change)
{
    struct member_stage *stage = change->as.stage.owner;
    stage->set = change->result.set;
    stage->staged += change->as.stage.user_count;
    r->handler(r);
}

bool member_stage_next(struct prov_request *r, struct member_stage *stage, const struct member_list *list)
{
    size_t left = list->count - stage->staged;
    size_t count = left < STORE_MEMBER_PART ? left : STORE_MEMBER_PART;
    if (left == 0)
        return false;
    struct store_change *change = pending_change_new(r, STORE_CHANGE_GROUP_STAGE);
    uint64_t *users = gw_arena_array(&change->arena, count, sizeof *users);
    memcpy(users, list->users + stage->staged, count * sizeof *users);
    change->as.stage.set = stage->set;
    change->as.stage.users = users;
    change->as.stage.user_count = count;
    change->as.stage.owner = stage;
    pending_submit(r, change, on_staged);
    return true;
}

/* ---- sweeping ---- */

static void submit_sweep(struct prov_face *face, struct prov_app *app);

static void on_swept(struct prov_face *face, struct store_change *change, void *data)
{
    struct prov_app *app = data;
    app->is_sweeping = false;
    if (change->code == GW_OK && change->result.has_more)
        submit_sweep(face, app);
}

static void submit_sweep(struct prov_face *face, struct prov_app *app)
{
    struct store_change *change = store_change_new(STORE_CHANGE_GROUP_SWEEP);
    change->time_ms = gw_clock_wall_ms();
    change->folder = app->folder;
    app->is_sweeping = pending_submit_alone(face, change, on_swept, app);
}

void member_sweep_start(struct prov_face *face, struct prov_app *app)
{
    struct gw_error err = {0};
    bool is_loose = false;
    if (app->is_sweeping || store_reader_begin(face->reader, &err) != GW_OK)
        return;
    enum gw_code code = store_sets_are_loose(face->reader, &is_loose, &err);
    store_reader_end(face->reader);
    if (code == GW_OK && is_loose)
        submit_sweep(face, app);
}
