/* sign_on_private: what the two halves of a sign-on share: sign_on.c (the request) and sign_on_record.c (the answer).
 */
#pragma once

#include "gateway/sso/join.h"
#include "gateway/sso/sign_on.h"

struct sso_sign_on {
    const struct sso_gate *gate;
    struct saml_assertion assertion; /* in the exchange's arena */
    struct store_join join;
    uint64_t user_seq;   /* whom the join found; 0: nobody yet */
    uint64_t generation; /* of that user when it was checked */
    struct gw_sha256 mark;
    int64_t forget_after_ms;
    struct sso_job *mark_job;   /* under way */
    struct sso_job *record_job; /* under way, and waited for */
    struct net_timer *timer;    /* of either wait */
    unsigned turns;             /* waited for the keys of an issuer */
    bool is_vouched;            /* verified, not replayed, joined */
    bool is_marked;             /* in memory */
    bool is_mark_durable;       /* or on its way to be */
    bool was_marked_elsewhere;  /* the durable mark says that another process took it first */
};

/* Puts the durable mark on its way. */
void sso_sign_on_mark(struct sso_request *rq);
