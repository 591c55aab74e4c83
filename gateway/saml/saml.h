/* saml: is this response one that the configured identity provider made for this app, and whom does it vouch for?
 *
 * One parse, one tree. A response that is not of the one plain shape (saml_shape.h) is refused whatever its signature,
 * because the app behind us may read another shape in another way. Keys come from the configuration only; KeyInfo is
 * never looked at. Identity and conditions are read below a node that a verified signature covers.
 * InResponseTo is not checked (sign-on from the provider's tile has none). Encrypted assertions are refused.
 *
 * saml_library_init once, before other threads. Settings are immutable and shared; saml_check may run on any thread,
 * with an arena of the caller. It does no I/O, and about 0.2 ms of CPU work for one signature, 0.5 ms for two, 1.2 ms
 * for two over 28 KiB (`./dev bench --rows gate`). */
#pragma once

#include "gateway/base/arena.h"
#include "gateway/base/result.h"
#include "gateway/base/str.h"

#include <stdint.h>

#define SAML_CERTIFICATES_MAX 16
#define SAML_ACS_URLS_MAX 32
#define SAML_NAME_ID_MAX 254 /* bytes 0x21 to 0x7e */
#define SAML_KEY_BITS_MIN 2048
#define SAML_SKEW_MS_DEFAULT 60000
#define SAML_SKEW_MS_MAX 600000

/* For the whole process; again is harmless. */
GW_MUST_CHECK enum gw_code saml_library_init(struct gw_error *err);

struct saml_pem {
    const char *name;   /* of the file, for messages */
    struct gw_str text; /* one or more PEM certificates with RSA or EC keys (P-256, P-384, P-521) */
};

struct saml_source {
    const struct saml_pem *certificates;
    size_t certificate_count;
    struct gw_str idp_entity;
    struct gw_str audience;
    const struct gw_str *acs_urls; /* complete public addresses: what Destination and Recipient may say */
    size_t acs_url_count;
    int64_t skew_ms;
};

struct saml_settings;

/* Copies what it needs. GW_E_CONFIG with the name of the file. */
GW_MUST_CHECK enum gw_code saml_settings_new(const struct saml_source *source, struct saml_settings **ret_settings,
                                             struct gw_error *err);
void saml_settings_free(struct saml_settings *settings); /* NULL is harmless */

size_t saml_settings_certificate_count(const struct saml_settings *settings);
/* When certificate `index` expires, for metrics; pinned keys go on being accepted after it. */
int64_t saml_settings_certificate_expires_ms(const struct saml_settings *settings, size_t index);

enum saml_verdict {
    SAML_VOUCHED,       /* the provider vouches for `assertion` */
    SAML_WRONG_SHAPE,   /* not the one accepted shape; nothing is known about it */
    SAML_BAD_SIGNATURE, /* no signature, or one that does not cover what is there */
    SAML_UNKNOWN_KEY,   /* right shape, issuer and digests, but a key that is not configured: forged, or a rollover */
    SAML_CONDITION_FAILED, /* see `condition` */
};

enum saml_condition {
    SAML_CONDITION_NONE,
    SAML_CONDITION_STATUS,
    SAML_CONDITION_VERSION,
    SAML_CONDITION_RESPONSE_ISSUER,
    SAML_CONDITION_ASSERTION_ISSUER,
    SAML_CONDITION_DESTINATION,
    SAML_CONDITION_NO_CONFIRMATION,
    SAML_CONDITION_CONFIRMATION_METHOD,
    SAML_CONDITION_RECIPIENT,
    SAML_CONDITION_CONFIRMATION_EXPIRED,
    SAML_CONDITION_AUDIENCE,
    SAML_CONDITION_NOT_YET_VALID,
    SAML_CONDITION_EXPIRED,         /* Conditions NotOnOrAfter */
    SAML_CONDITION_SESSION_EXPIRED, /* AuthnStatement SessionNotOnOrAfter */
};

struct saml_attribute {
    struct gw_str name;
    const struct gw_str *values; /* UTF-8; an empty one is "" */
    size_t value_count;
};

struct saml_assertion {
    struct gw_str issuer;
    struct gw_str name_id;
    struct gw_str name_id_format; /* ptr NULL when not said */
    struct gw_str session_index;  /* ptr NULL when not said */
    struct gw_str assertion_id;
    int64_t not_on_or_after_ms;              /* until when a replay must be remembered: last expiry plus skew */
    const struct saml_attribute *attributes; /* in document order; one name may stand more than once */
    size_t attribute_count;
};

struct saml_result {
    enum saml_verdict verdict;
    enum saml_condition condition;
    struct saml_assertion assertion; /* filled only when vouched; lives in the caller's arena */
};

/* `ret_result` is always set. GW_OK means SAML_VOUCHED; every other verdict is GW_E_FORBIDDEN with a sentence for the
 * operator's log in `err` (printable, short, never the whole message; not meant for the end user). */
GW_MUST_CHECK enum gw_code saml_check(const struct saml_settings *settings, struct gw_arena *arena, struct gw_str xml,
                                      int64_t now_ms, struct saml_result *ret_result, struct gw_error *err);

/* The one value of the attributes of that name; false when there is none, or more than one. Borrowed. */
bool saml_attribute_get(const struct saml_assertion *assertion, struct gw_str name, struct gw_str *ret_value);

/* urn:oasis:names:tc:SAML:2.0:nameid-format:transient and persistent (semantics: transient ids never make a user). */
bool saml_name_id_is_transient(const struct saml_assertion *assertion);
bool saml_name_id_is_persistent(const struct saml_assertion *assertion);

const char *saml_verdict_name(enum saml_verdict verdict);       /* "vouched", "wrong_shape", ... for logs and metrics */
const char *saml_condition_name(enum saml_condition condition); /* "audience", ...; "none" */
