/* inject: headers that tell the app who the user of a bound session is (key `inject`), from the live record. What a
 * client sends under such a name is taken out in every spelling, bound session or not (forward.h). A value is a string,
 * a number or a switch of the record; of a list the primary value, or all values with commas between. What the record
 * does not have, or what is no clean header value, is not sent. One loop's thread. */
#pragma once

#include "gateway/sso/request.h"

#define SSO_INJECT_VALUE_BYTES_MAX 4096u /* a longer value is not sent */

/* `fields` with what is to be added behind them, in the exchange's arena; *count in and out. */
struct http_field *sso_inject_fields(const struct sso_request *rq, struct http_field *fields, size_t *count);
