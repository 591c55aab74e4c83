#include "routes/scim/path.h"

#include "gateway/base/text.h"
#include "routes/scim/filter_parse.h"

static enum gw_code parse_behind_bracket(struct scim_filter_scanner *scanner, struct scim_path *path)
{
    struct gw_str rest = gw_str_from_pos(scanner->text, scanner->at);
    if (rest.len == 0)
        return GW_OK;
    if (rest.ptr[0] != '.')
        return scim_scan_refuse(scanner, "only '.' and a sub-attribute may follow a ']'");
    path->ref.sub = scim_sub_find(path->ref.attribute, gw_str_from_pos(rest, 1));
    return path->ref.sub != NULL
               ? GW_OK
               : scim_scan_refuse_name(scanner, "there is no sub-attribute", gw_str_from_pos(rest, 1));
}

static enum gw_code parse_path(struct scim_filter_scanner *scanner, struct scim_path *path)
{
    struct gw_str name = scim_scan_name(scanner);
    if (!scim_ref_find(scanner->type, name, &path->ref))
        return scim_scan_refuse_name(scanner, "there is no attribute", name);
    if (scanner->at == scanner->text.len)
        return GW_OK;
    if (scanner->text.ptr[scanner->at] != '[' || path->ref.attribute == NULL || path->ref.sub != NULL)
        return scim_scan_refuse(scanner, "an attribute, a filter in brackets and a sub-attribute are allowed");
    if (!path->ref.attribute->multi_valued)
        return scim_scan_refuse(scanner, "brackets are allowed behind a multi-valued attribute only");
    GW_TRY(scim_scan_value_filter(scanner, path->ref.attribute, &path->filter));
    path->terms = scanner->terms;
    return parse_behind_bracket(scanner, path);
}

enum gw_code scim_path_parse(struct gw_arena *arena, const struct scim_resource_type *type, struct gw_str text,
                             struct scim_path *ret_path, struct gw_error *err)
{
    struct scim_path path = {0};
    struct scim_filter_scanner scanner = {.arena = arena,
                                          .type = type,
                                          .text = gw_str_trim(text),
                                          .terms_max = SCIM_PATH_TERMS_MAX,
                                          .boolean_text = true,
                                          .refusal = GW_E_INVALID_PATH,
                                          .err = err};
    if (text.len > SCIM_PATH_BYTES_MAX)
        return scim_scan_refuse(&scanner, "too long");
    if (scanner.text.len == 0)
        return scim_scan_refuse(&scanner, "empty");
    GW_TRY(parse_path(&scanner, &path));
    *ret_path = path;
    return GW_OK;
}
