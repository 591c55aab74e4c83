/* form: the body of a POST to an assertion consumer service (SAML bindings section 3.5.4).
 *
 * Takes what a browser sends for an identity provider's form, and refuses everything that two parsers could read in two
 * ways: a parameter that stands twice or is spelled otherwise (case, percent-coding, brackets), `;` as a separator,
 * another content type or charset, a content coding, base64 that is not canonical. Pure; any thread. */
#pragma once

#include "gateway/base/arena.h"
#include "gateway/base/result.h"
#include "gateway/base/str.h"

/* Base64 of 200 KB, what a browser adds to it, and RelayState. */
#define SSO_FORM_BYTES_MAX (320u * 1024)
#define SSO_FORM_PAIRS_MAX 64

/* An answer of an OpenID provider (OAuth 2.0 Form Post Response Mode). */
struct sso_token_form {
    struct gw_str id_token; /* ptr NULL: it says that nobody signed in (`error`) */
    struct gw_str code;     /* these two come with an id_token or not at all */
    struct gw_str access_token;
};

struct sso_form {
    struct gw_str saml_response; /* form-decoded, still base64: see saml_base64_decode */
    struct gw_str relay_state;   /* form-decoded; ptr NULL when there is none */
};

/* All header lines of these two names, as many as there were. */
struct sso_form_head {
    const struct gw_str *content_types;
    size_t content_type_count;
    const struct gw_str *content_encodings;
    size_t content_encoding_count;
};

/* Can be called before the body is read. GW_E_MEDIA_TYPE. */
GW_MUST_CHECK enum gw_code sso_form_check_head(const struct sso_form_head *head, struct gw_error *err);

/* A body of more than SSO_FORM_BYTES_MAX is GW_E_TOO_LARGE, everything else GW_E_BAD_REQUEST. Results live in `arena`.
 * The text in `err` repeats nothing of the body. */
GW_MUST_CHECK enum gw_code sso_form_parse(struct gw_arena *arena, struct gw_str body, struct sso_form *ret_form,
                                          struct gw_error *err);

/* The same for a form that brings an id_token, alone or with a code. A code without one is refused: the app would take
 * it for a sign-on of somebody who is not known here. */
GW_MUST_CHECK enum gw_code sso_form_parse_token(struct gw_arena *arena, struct gw_str body,
                                                struct sso_token_form *ret_form, struct gw_error *err);
bool sso_form_query_names_token(struct gw_str query);
/* Is `code`, `access_token` or `response` a parameter of the query, in any reading of its name? Whoever signs in
 * chooses how the provider answers (`response_mode=query`), and an app may take it either way. */
bool sso_form_query_has_answer(struct gw_str query);

/* Does the query (behind `?`, may be empty) name a SAML message parameter in any reading? Then an ACS request is
 * refused: some frameworks merge query and body. */
bool sso_form_query_names_saml(struct gw_str query);
