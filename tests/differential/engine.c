/* engine: our filter and PATCH engines on standard input, for comparison with others.
 *
 * engine filter|patch RESOURCE: one filter or one PATCH body a line; one line each comes back: "true", "false", the
 * changed resource, or "!" and the reason. */
#include "gateway/json/parse.h"
#include "gateway/json/write.h"
#include "routes/scim/filter.h"
#include "routes/scim/patch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct scim_resource_type *type;

static enum gw_code parse(struct gw_arena *arena, struct gw_str text, struct json_value **ret_value,
                          struct gw_error *err)
{
    struct json_limits limits = JSON_LIMITS_BODY;
    return json_parse(arena, text, &limits, ret_value, err);
}

static enum gw_code run_filter(struct gw_arena *arena, const struct json_value *resource, struct gw_str text,
                               struct gw_error *err)
{
    const struct scim_filter *filter = NULL;
    GW_TRY(scim_filter_parse(arena, type, text, &filter, err));
    (void)puts(scim_filter_matches(filter, resource, arena) ? "true" : "false");
    return GW_OK;
}

static enum gw_code run_patch(struct gw_arena *arena, const struct json_value *resource, struct gw_str text,
                              struct gw_error *err)
{
    struct json_value *message = NULL;
    struct json_value *after = NULL;
    struct scim_patch patch;
    bool is_changed;
    GW_TRY(parse(arena, text, &message, err));
    GW_TRY(scim_patch_parse(arena, type, message, &patch, NULL, err));
    GW_TRY(scim_patch_apply(arena, type, resource, &patch, &after, &is_changed, err));
    struct gw_str result = json_text(arena, after);
    (void)printf("%.*s\n", GW_STR_ARG(result));
    return GW_OK;
}

int main(int argc, char **argv)
{
    GW_ARENA_SCOPED(base);
    struct scim_schema_set set;
    struct json_value *resource = NULL;
    struct gw_error err = {0};
    char *line = NULL;
    size_t capacity = 0;
    scim_schema_set_init(&set, &(struct scim_schema_options){.roles = true});
    type = &set.types[0];
    if (argc != 3 || parse(&base, gw_str_from(argv[2]), &resource, &err) != GW_OK) {
        (void)fprintf(stderr, "engine filter|patch RESOURCE %s\n", err.text);
        return 2;
    }
    bool is_filter = strcmp(argv[1], "filter") == 0;
    for (ssize_t len = getline(&line, &capacity, stdin); len > 0; len = getline(&line, &capacity, stdin)) {
        GW_ARENA_SCOPED(arena);
        struct gw_str text = gw_str_n(line, (size_t)len - 1);
        enum gw_code code =
            is_filter ? run_filter(&arena, resource, text, &err) : run_patch(&arena, resource, text, &err);
        if (code != GW_OK)
            (void)printf("! %s\n", err.text);
    }
    free(line);
    return 0;
}
