/* handlers: what each row of the route table does. A handler is called on the face's loop with the credential accepted,
 * the query parsed and the body read, and answers once: now, or after the commit of a change that it submitted (then it
 * may be called again, see routes/pending.h). */
#pragma once

#include "routes/request.h"

/* users_list.c, users_write.c: RFC 7644 sections 3.3 to 3.6 */
void users_on_list(struct prov_request *r);
void users_on_search(struct prov_request *r);
void users_on_get(struct prov_request *r);
void users_on_create(struct prov_request *r);
void users_on_replace(struct prov_request *r);
void users_on_patch(struct prov_request *r);
void users_on_delete(struct prov_request *r);

/* groups_list.c, groups_write.c: the same of groups */
void groups_on_list(struct prov_request *r);
void groups_on_search(struct prov_request *r);
void groups_on_get(struct prov_request *r);
void groups_on_create(struct prov_request *r);
void groups_on_replace(struct prov_request *r);
void groups_on_patch(struct prov_request *r);
void groups_on_delete(struct prov_request *r);

/* roles.c: what the configuration defines, for entitlement-enabled apps (scim-clients.md 2) */
void roles_on_list(struct prov_request *r);
void roles_on_search(struct prov_request *r);
void roles_on_get(struct prov_request *r);
void entitlements_on_list(struct prov_request *r);
void entitlements_on_search(struct prov_request *r);
void entitlements_on_get(struct prov_request *r);

/* discovery.c: RFC 7644 section 4 */
void discovery_on_provider(struct prov_request *r);
void discovery_on_agent(struct prov_request *r); /* ServiceProviderConfigs, for Okta's agent */
void discovery_on_types(struct prov_request *r);
void discovery_on_type(struct prov_request *r);
void discovery_on_schemas(struct prov_request *r);
void discovery_on_schema(struct prov_request *r);

/* absent.c: parts of the protocol that are advertised as unsupported: 501 */
void absent_on_me(struct prov_request *r);
void absent_on_bulk(struct prov_request *r);
void absent_on_root(struct prov_request *r);
