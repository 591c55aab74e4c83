/* jwt_private: the claims of a token whose signature is right. */
#pragma once

#include "gateway/jwt/jwt.h"

/* Sets ret_result->verdict and, when all is as it should be, the token. */
GW_MUST_CHECK enum gw_code jwt_claims_check(const struct jwt_rules *rules, const struct json_value *claims,
                                            int64_t now_ms, struct jwt_result *ret_result, struct gw_error *err);
