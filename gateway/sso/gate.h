/* gate: what stands before a sign-on path: does the form that was posted there prove who signs in? Two kinds: a SAML
 * response (gate_saml.c), and an OpenID Connect id_token by form_post (gate_id_token.c). Both say it as an assertion,
 * so that all that follows (replay, join, binding) is one. Private to the face; immutable after start; any worker. */
#pragma once

#include "config/config.h"
#include "gateway/base/metrics.h"
#include "gateway/jwt/key_source.h"
#include "gateway/saml/saml.h"
#include "gateway/sso/refusal.h"

enum sso_gate_verdict {
    SSO_GATE_VOUCHED,  /* for `assertion` */
    SSO_GATE_REFUSED,  /* see `refusal` */
    SSO_GATE_ORDINARY, /* an answer of the provider that signs nobody in: the app's business */
    SSO_GATE_WAITS,    /* the issuer is being asked for its keys: check again in a moment */
};

struct sso_gate_result {
    struct saml_assertion assertion; /* in the caller's arena */
    enum sso_refusal refusal;
};

struct sso_gate;

struct sso_gate_kind {
    const char *name; /* for the log */
    enum gw_metric invalid;
    /* Does the query name a parameter of the form? Some frameworks merge query and body. */
    bool (*query_names)(struct gw_str query);
    /* Does the query bring what an app may take for a sign-on, and the gate cannot check? NULL: never. */
    bool (*query_has_answer)(struct gw_str query);
    /* `err` says why not, for the log alone. */
    enum sso_gate_verdict (*check)(const struct sso_gate *gate, struct gw_arena *arena, struct gw_str body,
                                   int64_t now_ms, struct sso_gate_result *ret_result, struct gw_error *err);
};

/* One identity of an app. */
struct sso_gate {
    const struct sso_gate_kind *kind;
    const struct config_saml *config; /* paths, join rule, gate; of an id_token its attributes are claims */
    struct saml_settings *saml;       /* SAML; owned */
    struct key_source *keys;          /* id_token; belongs to the pool */
    struct gw_str issuer;             /* id_token */
};

extern const struct sso_gate_kind sso_gate_saml;
extern const struct sso_gate_kind sso_gate_id_token;
