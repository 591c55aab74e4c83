/* credential: may this request go on? A credential of the app's tokens file, or a token that a configured issuer signed
 * (semantics.md 5). A token that names a key which is not known yet waits while the issuer is asked, CREDENTIAL_WAIT_MS
 * at most. Whatever is wrong, the answer is one and the same 401 (security.md D1). The face's own loop only. */
#pragma once

#include "gateway/jwt/jwt.h"
#include "routes/request.h"

#define CREDENTIAL_TURN_MS 100
#define CREDENTIAL_TURNS_MAX 100u   /* CREDENTIAL_TURN_MS each: as long as a transfer of keys may take */
#define CREDENTIAL_WAITING_MAX 256u /* at once, of a face; beyond, refused */

enum credential {
    CREDENTIAL_ACCEPTED,
    CREDENTIAL_REFUSED,
    CREDENTIAL_WAITS,   /* the issuer is being asked: credential_await */
    CREDENTIAL_NO_KEYS, /* none of the issuer's keys could be had yet */
};

/* By a credential of the app, or by its oauth issuer. Sets actor and what its scope allows. */
enum credential credential_check(struct prov_request *r);

/* By the token in `Authorization: Bearer` and the keys of `source`. */
enum credential credential_token_check(struct prov_request *r, struct key_source *source, const struct jwt_rules *rules,
                                       struct jwt_token *ret_token);

/* Deals with every verdict but CREDENTIAL_ACCEPTED: answers, now or after a delay, or calls `again`. */
void credential_deny(struct prov_request *r, enum credential verdict, route_handler_fn again);

/* The request is over. */
void credential_forget(struct prov_request *r);
