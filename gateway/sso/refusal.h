/* refusal: what a person or a script reads in place of the app's answer: a small page, or JSON for calls that want it.
 * It carries a reference that is in the log and the activity too, and no internal detail: no name, file, address or
 * state of the record. Everything that is put into the page is escaped. It expires no cookie, except where a browser is
 * asked to sign in again (semantics.md 3). Pure but for sso_refusal_answer; any thread. */
#pragma once

#include "config/config.h"
#include "gateway/base/buf.h"
#include "gateway/http/exchange.h"

enum sso_refusal {
    SSO_REFUSAL_INACTIVE,      /* deactivated, locked or deleted */
    SSO_REFUSAL_ENDED,         /* the session is of an older generation */
    SSO_REFUSAL_TWO_USERS,     /* cookies of two users */
    SSO_REFUSAL_AMBIGUOUS,     /* a session cookie that two parsers read in two ways */
    SSO_REFUSAL_UNBOUND,       /* unbound: refuse */
    SSO_REFUSAL_SIGN_IN_AGAIN, /* unbound: reauth, for a call that cannot be sent to a page */
    SSO_REFUSAL_UNDECIDED,     /* undecided: refuse */
    SSO_REFUSAL_ACS_REQUEST,   /* not a request that an identity provider's form makes */
    SSO_REFUSAL_TOO_LARGE,
    SSO_REFUSAL_ASSERTION,   /* failed verification */
    SSO_REFUSAL_EXPIRED,     /* out of its time */
    SSO_REFUSAL_UNKNOWN_KEY, /* well-shaped, signed with a key that is not configured */
    SSO_REFUSAL_REPLAYED,
    SSO_REFUSAL_ROLE,    /* lacks a role that the path requires */
    SSO_REFUSAL_NO_USER, /* nobody, or two people, by the join rule */
    SSO_REFUSAL_HOST,
    SSO_REFUSAL_COUNT,
};

#define SSO_REFUSAL_BYTES_MAX 16384u
/* Of the operator's own page (refusal.page) once it is filled in; what comes out larger is replaced by the built-in
 * one.
 */
#define SSO_REFUSAL_PAGE_BYTES_MAX (CONFIG_REFUSAL_PAGE_BYTES_MAX + 64u * 1024u)

const char *sso_refusal_name(enum sso_refusal refusal); /* "inactive", ... for logs, activity and JSON */
int sso_refusal_status(enum sso_refusal refusal);

/* Does the caller want JSON? It says so in Accept, or it is a script's call (Sec-Fetch-Dest: empty, X-Requested-With).
 */
bool sso_request_wants_json(const struct http_request *request);
/* Does a browser go to this address? Then it can be sent elsewhere. */
bool sso_request_is_navigation(const struct http_request *request);

struct sso_refusal_text {
    struct gw_str app;       /* name of the app; may be empty */
    struct gw_str reference; /* may be empty */
    struct gw_str again_url; /* where signing in begins; empty: no link */
    struct gw_str contact;   /* whom to ask; may be empty */
    struct gw_str page;      /* the operator's HTML with placeholders; empty: the built-in page */
};
void sso_refusal_write(struct gw_buf *buf, enum sso_refusal refusal, bool json, const struct sso_refusal_text *text);

/* `page` with {{title}}, {{reason}}, {{reference}}, {{app}} and {{contact}} filled in, escaped; what is no placeholder
 * stays as it is. */
void sso_refusal_page_fill(struct gw_buf *buf, enum sso_refusal refusal, const struct sso_refusal_text *text);

/* Answers the exchange. */
void sso_refusal_answer(struct http_exchange *x, enum sso_refusal refusal, const struct sso_refusal_text *text);

/* The same form for what the connection layer refuses or an app fails to answer. */
void sso_error_write(struct gw_buf *buf, int status, bool json, struct gw_str sentence, struct gw_str reference);

void sso_html_escape(struct gw_buf *buf, struct gw_str text);
