/* candidates: the users or groups that indexes name for a filter; the handler then puts each to it. They are found part
 * by part, since there may be very many (turn.h), and come each once, in the order of their creation. The face's own
 * loop only. */
#pragma once

#include "routes/request.h"
#include "routes/scim/filter_plan.h"
#include "routes/scim/handlers/turn.h"

/* The cost limit of a filter that indexes answer (law 10). Beyond: 400 tooMany (RFC 7644 section 3.4.2.1). */
#define CANDIDATES_MAX 100000u
#define CANDIDATES_FEW 64u /* the usual case takes no memory for them */

/* How they are found. Both give at most `max`, which is at least 1. */
struct candidate_index {
    const char *noun; /* "users" */
    enum gw_code (*find)(struct prov_request *r, const struct scim_lookup *lookup, uint64_t *ret_seqs, size_t max,
                         size_t *ret_count, struct gw_error *err);
    enum gw_code (*find_modified)(struct store_reader *reader, uint32_t folder, struct store_modified_range *range,
                                  uint64_t *ret_seqs, size_t max, size_t *ret_count, struct gw_error *err);
};

struct candidates {
    struct prov_request *r;
    const struct candidate_index *index;
    const struct scim_plan *plan;
    size_t next_lookup;
    bool is_under_way;                 /* that look-up is a range of times whose rest is: */
    struct store_modified_range range; /* ... */
    uint64_t few[CANDIDATES_FEW];
    uint64_t *seqs;
    size_t max;
    size_t count;
    bool is_sorted; /* all are found */
    size_t next;
};

/* `candidates` must stay where it is, and `plan` beside it. */
void candidates_init(struct candidates *candidates, struct prov_request *r, const struct candidate_index *index,
                     const struct scim_plan *plan);

/* In a snapshot: finds more until the turn is spent; *ret_found: that was all. */
GW_MUST_CHECK enum gw_code candidates_find(struct candidates *candidates, struct turn *turn, bool *ret_found,
                                           struct gw_error *err);

/* When all are found. False: there are no more. */
bool candidates_next(struct candidates *candidates, uint64_t *ret_seq);
/* The one that came last comes again. */
void candidates_again(struct candidates *candidates);
