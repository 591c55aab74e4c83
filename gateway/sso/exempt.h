/* exempt: users that are never refused for their state or a missing role (key `never_refuse`): monitors, service
 * accounts. They are found by the live userName of the record; a session has to be bound for anybody to know. One
 * loop's thread. */
#pragma once

#include "gateway/sso/request.h"

/* Is that user one of them? Reads only when the key is used. */
bool sso_user_is_exempt(const struct sso_request *rq, uint64_t user_seq);
