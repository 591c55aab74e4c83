/* A path parses or is invalidPath; what it names is in the schema. */
#include "routes/scim/path.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    GW_ARENA_SCOPED(arena);
    struct scim_schema_set set;
    struct scim_path path;
    struct gw_error err;
    scim_schema_set_init(&set, &(struct scim_schema_options){.roles = true});
    for (size_t i = 0; i < set.type_count; i++) {
        enum gw_code code = scim_path_parse(&arena, &set.types[i], gw_str_n((const char *)data, size), &path, &err);
        if (code != GW_OK) {
            GW_ASSERT(code == GW_E_INVALID_PATH && err.text[0] != '\0');
            continue;
        }
        GW_ASSERT(path.ref.attribute != NULL || path.ref.extension != NULL);
        GW_ASSERT(path.ref.sub == NULL || scim_sub_find(path.ref.attribute, path.ref.sub->name) == path.ref.sub);
        GW_ASSERT(path.filter == NULL || path.ref.attribute->multi_valued);
    }
    return 0;
}
