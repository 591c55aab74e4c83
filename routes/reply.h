/* reply: every answer of the PROV face leaves through here, as SCIM JSON. Errors have one form (RFC 7644 section 3.12)
 * and the fields that belong to their status: WWW-Authenticate, Allow, Retry-After in whole seconds (scim-clients.md,
 * rules 24 to 26). The face's own loop only. */
#pragma once

#include "gateway/json/value.h"
#include "routes/request.h"

#define SCIM_MEDIA_TYPE "application/scim+json"
#define REPLY_BYTES_MAX (64u * 1024u * 1024u)
#define REPLY_FIELDS_MAX 8u

/* Answers with an error. `text` NULL: the default text of the code. */
void reply_error(struct prov_request *r, enum gw_code code, const char *text);
void reply_error_from(struct prov_request *r, const struct gw_error *err);

/* 403: the credential's scope does not allow this (RFC 6750 section 3.1). */
void reply_scope_error(struct prov_request *r);

/* 405 with the methods that are served here, as "GET, HEAD, OPTIONS". */
void reply_method_error(struct prov_request *r, struct gw_str allow);
/* 204 to OPTIONS. */
void reply_options(struct prov_request *r, struct gw_str allow);

/* `fields` may be NULL; Content-Type is added where there is a body. */
void reply_text(struct prov_request *r, int status, const struct http_field *fields, size_t field_count,
                struct gw_str body);
void reply_json(struct prov_request *r, int status, const struct http_field *fields, size_t field_count,
                const struct json_value *value);

/* Seconds after which trying again makes sense; 0 for codes that waiting does not cure. */
unsigned reply_retry_after(enum gw_code code);
