/* access: the access log of the SSO face: one JSON line for each request that had a readable head, when it is over. No
 * query (it may hold a secret: a token, a code of a sign-in) and no header; the user name only where the key
 * access_log.users asks for it. And the id of a request: the reference of refusals, of the log and, with
 * request_id_header, what the app gets. One loop's thread. */
#pragma once

#include "gateway/sso/request.h"

#define SSO_REQUEST_ID_BYTES_MAX 128u /* of one that a trusted proxy brings; a longer one is replaced */

/* Writes the line, where a log is configured. The exchange is over. */
void sso_access_log(struct sso_request *rq);

/* The header that tells the app the request's id, put behind `fields` (request_id_header; else unchanged). */
struct http_field *sso_request_id_fields(struct sso_request *rq, struct http_field *fields, size_t *count);
