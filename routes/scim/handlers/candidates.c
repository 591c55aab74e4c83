#include "routes/scim/handlers/candidates.h"

#include <stdlib.h>

void candidates_init(struct candidates *candidates, struct prov_request *r, const struct candidate_index *index,
                     const struct scim_plan *plan)
{
    *candidates = (struct candidates){.r = r, .index = index, .plan = plan, .max = CANDIDATES_FEW};
    candidates->seqs = candidates->few;
}

static enum gw_code make_room(struct candidates *candidates, struct gw_error *err)
{
    if (candidates->max >= CANDIDATES_MAX)
        return gw_fail(err, GW_E_TOO_MANY, "the filter names more than %u %s", CANDIDATES_MAX, candidates->index->noun);
    size_t max = candidates->max * 8 < CANDIDATES_MAX ? candidates->max * 8 : CANDIDATES_MAX;
    uint64_t *seqs = gw_arena_array(candidates->r->arena, max, sizeof seqs[0]);
    memcpy(seqs, candidates->seqs, candidates->count * sizeof seqs[0]);
    candidates->seqs = seqs;
    candidates->max = max;
    return GW_OK;
}

/* Asked again with more room until all have it. */
static enum gw_code find_named(struct candidates *candidates, const struct scim_lookup *lookup, struct gw_error *err)
{
    size_t room = candidates->max - candidates->count;
    size_t found = 0;
    GW_TRY(candidates->index->find(candidates->r, lookup, candidates->seqs + candidates->count, room, &found, err));
    candidates->is_under_way = found == room;
    if (candidates->is_under_way)
        return make_room(candidates, err);
    candidates->count += found;
    return GW_OK;
}

/* Goes on where it was. */
static enum gw_code find_modified(struct candidates *candidates, const struct scim_lookup *lookup, struct gw_error *err)
{
    struct prov_request *r = candidates->r;
    size_t room = candidates->max - candidates->count;
    size_t part = room < TURN_RECORDS_MAX ? room : TURN_RECORDS_MAX;
    size_t found = 0;
    if (!candidates->is_under_way)
        candidates->range = (struct store_modified_range){lookup->since_ms, 0, lookup->until_ms};
    GW_TRY(candidates->index->find_modified(r->face->reader, r->app->folder, &candidates->range,
                                            candidates->seqs + candidates->count, part, &found, err));
    candidates->count += found;
    candidates->is_under_way = found == part;
    return candidates->count == candidates->max ? make_room(candidates, err) : GW_OK;
}

static int compare_seqs(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a;
    uint64_t right = *(const uint64_t *)b;
    return (left > right) - (left < right);
}

enum gw_code candidates_find(struct candidates *candidates, struct turn *turn, bool *ret_found, struct gw_error *err)
{
    bool is_spent = false;
    while (candidates->next_lookup < candidates->plan->lookup_count && !is_spent) {
        const struct scim_lookup *lookup = &candidates->plan->lookups[candidates->next_lookup];
        GW_TRY(lookup->kind == SCIM_LOOKUP_MODIFIED ? find_modified(candidates, lookup, err)
                                                    : find_named(candidates, lookup, err));
        candidates->next_lookup += candidates->is_under_way ? 0 : 1;
        is_spent = turn_is_spent(turn);
    }
    *ret_found = candidates->next_lookup == candidates->plan->lookup_count;
    if (*ret_found && !candidates->is_sorted) {
        qsort(candidates->seqs, candidates->count, sizeof candidates->seqs[0], compare_seqs);
        candidates->is_sorted = true;
    }
    return GW_OK;
}

bool candidates_next(struct candidates *candidates, uint64_t *ret_seq)
{
    while (candidates->next < candidates->count) {
        size_t i = candidates->next++;
        *ret_seq = candidates->seqs[i];
        if (i == 0 || candidates->seqs[i - 1] != *ret_seq)
            return true;
    }
    return false;
}

void candidates_again(struct candidates *candidates)
{
    GW_ASSERT(candidates->next > 0);
    candidates->next--;
}
