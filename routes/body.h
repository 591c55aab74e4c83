/* body: reads a request's body and calls its handler with it: caps, media types, JSON, and SCIM 1.1 brought to the form
 * of 2.0. A large body is parsed part by part, each as long as one turn of the loop may be (turn.h), so that a group of
 * 100,000 keeps nobody waiting. What it refuses it answers. The face's own loop only. */
#pragma once

#include "routes/router.h"

/* r->handler is called with r->body set. */
void body_read(struct prov_request *r, const struct route *route);
