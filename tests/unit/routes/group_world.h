/* group_world: a world with six users, and short forms of what the tests of groups send and look at. One program, one
 * world. */
#pragma once

#include "tests/unit/routes/world.h"

#define GROUP "{\"schemas\":[\"urn:ietf:params:scim:schemas:core:2.0:Group\"]"
#define PATCH_OP "{\"schemas\":[\"urn:ietf:params:scim:api:messages:2.0:PatchOp\"],\"Operations\":["
#define USERS 6

static struct world *world;
static struct gw_str users[USERS];

static inline int set_up(void **state)
{
    (void)state;
    world = world_new("");
    for (size_t i = 0; i < USERS; i++)
        users[i] = create_user(world, gw_arena_printf(&world->arena, "u%zu@okta.local", i).ptr);
    return 0;
}

static inline int tear_down(void **state)
{
    (void)state;
    world_free(world);
    return 0;
}

/* Text with %0 to %5 for the ids of users and %G for one more id. */
static inline const char *fill(const char *text, struct gw_str group)
{
    GW_BUF_SCOPED(out, 1 << 16);
    for (; *text != '\0'; text++) {
        if (text[0] != '%') {
            gw_buf_add_byte(&out, *text);
            continue;
        }
        text++;
        gw_buf_add(&out, *text == 'G' ? group : users[*text - '0']);
    }
    return gw_arena_cstr(&world->arena, gw_buf_str(&out));
}

static inline const char *group_path(struct gw_str id)
{
    return gw_arena_printf(&world->arena, "/scim/v2/Groups/%.*s", GW_STR_ARG(id)).ptr;
}

static inline struct gw_str create_group(const char *name, const char *members)
{
    struct gw_str body = gw_arena_printf(&world->arena, GROUP ",\"displayName\":\"%s\",\"members\":[%s]}", name,
                                         fill(members, GW_STR_NONE));
    struct call *call = send_body(world, "POST", "/scim/v2/Groups", body.ptr);
    assert_status(call, 201);
    struct gw_str id = gw_arena_copy(&world->arena, call_text(call, "id"));
    assert_int_equal(id.len, 32);
    call_free(world, call);
    return id;
}

static inline struct call *patch_group(struct gw_str id, const char *operations)
{
    struct gw_str body = gw_arena_printf(&world->arena, PATCH_OP "%s]}", fill(operations, id));
    return send_body(world, "PATCH", group_path(id), body.ptr);
}

static inline void patch_ok(struct gw_str id, const char *operations)
{
    struct call *call = patch_group(id, operations);
    assert_status(call, 200);
    call_free(world, call);
}

/* "0 3 5": which of the users are members, by GET. */
static inline const char *members(struct gw_str id)
{
    GW_BUF_SCOPED(text, 256);
    struct call *call = get(world, group_path(id));
    assert_status(call, 200);
    const struct json_value *list = json_at(call->json, "members");
    for (size_t i = 0; i < json_count(list); i++) {
        struct gw_str value = json_object_get(list->array.items[i], GW_STR("value"))->text;
        for (size_t user = 0; user < USERS; user++) {
            if (gw_str_eq(users[user], value))
                gw_buf_printf(&text, text.len > 0 ? " %zu" : "%zu", user);
        }
    }
    call_free(world, call);
    return gw_arena_cstr(&world->arena, gw_buf_str(&text));
}

static inline struct gw_str version(struct gw_str id)
{
    struct call *call = get(world, group_path(id));
    struct gw_str text = gw_arena_copy(&world->arena, call_text(call, "meta.version"));
    call_free(world, call);
    return text;
}

#define MEMBER(n) "{\"value\":\"%" #n "\",\"display\":\"u" #n "@okta.local\"}"
#define ADD(list) "{\"op\":\"add\",\"path\":\"members\",\"value\":[" list "]}"
#define REPLACE(list) "{\"op\":\"replace\",\"path\":\"members\",\"value\":[" list "]}"
#define REMOVE(n) "{\"op\":\"remove\",\"path\":\"members[value eq \\\"%" #n "\\\"]\"}"
#define RENAME(name) "{\"op\":\"replace\",\"value\":{\"id\":\"%G\",\"displayName\":\"" name "\"}}"
