/* A filter that parses can be planned and put to a user; what it is made of stays within the caps. */
#include "gateway/json/parse.h"
#include "routes/scim/filter_plan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char USER[] =
    "{\"schemas\":[\"urn:ietf:params:scim:schemas:core:2.0:User\"],\"id\":\"u1\",\"userName\":\"Ann\",\"active\":true,"
    "\"name\":{\"givenName\":\"Ann\"},\"emails\":[{\"value\":\"a@w\",\"type\":\"work\",\"primary\":true},{\"value\":"
    "\"h\"}],"
    "\"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User\":{\"manager\":{\"value\":\"m\"}},"
    "\"meta\":{\"lastModified\":\"2026-11-21T12:00:00Z\"}}";

static void check(const struct scim_filter *filter, size_t *terms, size_t depth)
{
    *terms += filter->kind == SCIM_FILTER_COMPARE || filter->kind == SCIM_FILTER_PRESENT;
    GW_ASSERT(*terms <= SCIM_FILTER_TERMS_MAX && depth <= 4 * SCIM_FILTER_DEPTH_MAX);
    for (size_t i = 0; i < filter->child_count; i++)
        check(filter->children[i], terms, depth + 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    GW_ARENA_SCOPED(arena);
    struct scim_schema_set set;
    struct json_limits limits = JSON_LIMITS_BODY;
    struct json_value *user;
    const struct scim_filter *filter;
    struct gw_error err;
    size_t terms = 0;
    scim_schema_set_init(&set, &(struct scim_schema_options){.roles = true});
    if (scim_filter_parse(&arena, &set.types[0], gw_str_n((const char *)data, size), &filter, &err) != GW_OK) {
        GW_ASSERT(err.code == GW_E_INVALID_FILTER && err.text[0] != '\0');
        return 0;
    }
    check(filter, &terms, 0);
    struct scim_plan plan = scim_filter_plan(&arena, filter, &set.types[0]);
    GW_ASSERT(plan.scan == (plan.lookup_count == 0) && plan.lookup_count <= SCIM_FILTER_TERMS_MAX);
    GW_ASSERT(json_parse(&arena, gw_str_from(USER), &limits, &user, &err) == GW_OK);
    bool matches = scim_filter_matches(filter, user, &arena);
    const struct scim_filter *child = filter;
    struct scim_filter not = {.kind = SCIM_FILTER_NOT, .children = &child, .child_count = 1};
    GW_ASSERT(scim_filter_matches(&not, user, &arena) == !matches);
    return 0;
}
