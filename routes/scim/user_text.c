/* A read is close to a copy: what is stored is compact JSON of our own making, so that an answer without a projection
 * can be put together from the columns and runs of that text, without a tree. Same bytes as scim_user_load,
 * scim_project without names, and json_write. */
#include "gateway/base/clock.h"
#include "gateway/json/write.h"
#include "routes/scim/user.h"

struct member {
    struct gw_str name;  /* without quotes; names of attributes and URNs hold nothing that is escaped */
    struct gw_str whole; /* "name":value */
};

/* Where the string that begins at `at` ends: behind its closing quote; 0 when it does not. */
static size_t skip_string(struct gw_str text, size_t at)
{
    for (size_t i = at + 1; i < text.len; i++) {
        if (text.ptr[i] == '\\')
            i++;
        else if (text.ptr[i] == '"')
            return i + 1;
    }
    return 0;
}

/* Where the value that begins at `at` ends; 0 when it does not. */
static size_t skip_value(struct gw_str text, size_t at)
{
    unsigned depth = 0;
    for (size_t i = at; i < text.len; i++) {
        char c = text.ptr[i];
        if (depth == 0 && (c == ',' || c == '}'))
            return i;
        if (c == '"') {
            size_t end = skip_string(text, i);
            if (end == 0)
                return 0;
            i = end - 1;
        } else if (c == '{' || c == '[') {
            depth++;
        } else if (c == '}' || c == ']') {
            depth--;
        }
    }
    return 0;
}

/* Takes the next member off the front of `*rest`, which begins behind '{' or ','. False: it is not what we write. */
static bool take_member(struct gw_str *rest, struct member *ret_member)
{
    size_t name_end = rest->len > 0 && rest->ptr[0] == '"' ? skip_string(*rest, 0) : 0;
    if (name_end < 2 || name_end >= rest->len || rest->ptr[name_end] != ':')
        return false;
    size_t end = skip_value(*rest, name_end + 1);
    if (end <= name_end + 1)
        return false;
    ret_member->name = gw_str_n(rest->ptr + 1, name_end - 2);
    ret_member->whole = gw_str_n(rest->ptr, end);
    *rest = gw_str_from_pos(*rest, end);
    return true;
}

static bool is_shown(const struct scim_attribute *attribute)
{
    bool by_default = attribute->returned == SCIM_RETURNED_DEFAULT || attribute->returned == SCIM_RETURNED_ALWAYS;
    return by_default && !attribute->discarded;
}

static bool is_shown_whole(const struct scim_schema *extension)
{
    for (size_t i = 0; i < extension->attribute_count; i++) {
        if (!is_shown(&extension->attributes[i]))
            return false;
    }
    return true;
}

enum showing { SHOWING_NO, SHOWING_YES, SHOWING_IN_PART };

static enum showing showing_of(const struct scim_resource_type *type, struct gw_str name)
{
    const struct scim_schema *core = type->core;
    const struct scim_attribute *attribute = scim_attribute_find(core->attributes, core->attribute_count, name);
    if (attribute != NULL)
        return is_shown(attribute) ? SHOWING_YES : SHOWING_NO;
    for (size_t i = 0; i < type->extension_count; i++) {
        if (gw_str_eq(type->extensions[i]->urn, name))
            return is_shown_whole(type->extensions[i]) ? SHOWING_YES : SHOWING_IN_PART;
    }
    return SHOWING_NO; /* not in the tables of this app (any more) */
}

#define MEMBERS_MAX 128u

struct members {
    struct member list[MEMBERS_MAX]; /* those that are shown */
    size_t count;
};

static bool find_members(const struct scim_resource_type *type, struct gw_str text, struct members *ret_members)
{
    ret_members->count = 0;
    if (text.len == 0 || gw_str_eq(text, GW_STR("{}")))
        return true;
    if (text.ptr[0] != '{' || text.ptr[text.len - 1] != '}')
        return false;
    struct gw_str rest = text;
    while (!gw_str_eq(rest, GW_STR("}"))) {
        struct member member;
        rest = gw_str_from_pos(rest, 1); /* behind '{' or ',' */
        if (ret_members->count == MEMBERS_MAX || !take_member(&rest, &member))
            return false;
        enum showing showing = showing_of(type, member.name);
        if (showing == SHOWING_IN_PART)
            return false;
        if (showing == SHOWING_YES)
            ret_members->list[ret_members->count++] = member;
    }
    return true;
}

static void write_schemas(struct gw_buf *buf, const struct scim_resource_type *type, const struct members *members)
{
    gw_buf_add_lit(buf, "{\"schemas\":[");
    json_write_string(buf, type->core->urn);
    for (size_t i = 0; i < type->extension_count; i++) {
        for (size_t k = 0; k < members->count; k++) {
            if (!gw_str_eq(members->list[k].name, type->extensions[i]->urn))
                continue;
            gw_buf_add_byte(buf, ',');
            json_write_string(buf, type->extensions[i]->urn);
        }
    }
    gw_buf_add_lit(buf, "]");
}

static void write_text(struct gw_buf *buf, struct gw_str key, struct gw_str text)
{
    gw_buf_add(buf, key);
    json_write_string(buf, text);
}

static void write_meta(struct gw_buf *buf, const struct scim_resource_type *type, const struct scim_meta *meta)
{
    char created[GW_TIME_TEXT_MAX];
    char modified[GW_TIME_TEXT_MAX];
    size_t created_len = gw_time_format(meta->created_ms, created);
    size_t modified_len = gw_time_format(meta->modified_ms, modified);
    write_text(buf, GW_STR(",\"meta\":{\"resourceType\":"), type->name);
    write_text(buf, GW_STR(",\"created\":"), gw_str_n(created, created_len));
    write_text(buf, GW_STR(",\"lastModified\":"), gw_str_n(modified, modified_len));
    if (meta->location.len > 0)
        write_text(buf, GW_STR(",\"location\":"), meta->location);
    if (meta->version.len > 0)
        write_text(buf, GW_STR(",\"version\":"), meta->version);
    gw_buf_add_lit(buf, "}}");
}

bool scim_user_write(struct gw_buf *buf, const struct scim_resource_type *type, const struct scim_user_columns *columns)
{
    struct members members;
    if (!find_members(type, columns->attributes, &members))
        return false;
    write_schemas(buf, type, &members);
    write_text(buf, GW_STR(",\"id\":"), columns->meta.id);
    if (columns->external_id.len > 0)
        write_text(buf, GW_STR(",\"externalId\":"), columns->external_id);
    write_text(buf, GW_STR(",\"userName\":"), columns->user_name);
    gw_buf_add(buf, columns->active ? GW_STR(",\"active\":true") : GW_STR(",\"active\":false"));
    for (size_t i = 0; i < members.count; i++) {
        gw_buf_add_byte(buf, ',');
        gw_buf_add(buf, members.list[i].whole);
    }
    if (json_count(columns->groups) > 0) {
        gw_buf_add_lit(buf, ",\"groups\":");
        json_write(buf, columns->groups);
    }
    write_meta(buf, type, &columns->meta);
    return true;
}
