#include "routes/reply.h"
#include "routes/scim/handlers/handlers.h"

void absent_on_me(struct prov_request *r)
{
    reply_error(r, GW_E_NOT_IMPLEMENTED, "/Me: a provisioning credential is no user of the folder");
}

void absent_on_bulk(struct prov_request *r)
{
    reply_error(r, GW_E_NOT_IMPLEMENTED, "/Bulk is not supported, see ServiceProviderConfig");
}

void absent_on_root(struct prov_request *r)
{
    reply_error(r, GW_E_NOT_IMPLEMENTED, "queries over all resource types are not supported; ask /Users");
}
