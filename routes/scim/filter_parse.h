/* filter_parse: what the filter and the path parser share. One thread at a time per scanner. */
#pragma once

#include "routes/scim/filter.h"

struct scim_filter_scanner {
    struct gw_arena *arena;
    const struct scim_resource_type *type;
    struct gw_str text;
    size_t at;
    const struct scim_attribute *scope; /* the complex attribute whose brackets we are in, or NULL */
    size_t depth;
    size_t terms;
    size_t terms_max;
    bool boolean_text;    /* "True" may be compared with a boolean (PATCH paths) */
    enum gw_code refusal; /* GW_E_INVALID_FILTER or GW_E_INVALID_PATH */
    struct gw_error *err;
};

/* A name up to a blank, bracket, parenthesis or quote; may be empty. */
struct gw_str scim_scan_name(struct scim_filter_scanner *scanner);

/* "[" filter "]" behind the name of `attribute`. */
GW_MUST_CHECK enum gw_code scim_scan_value_filter(struct scim_filter_scanner *scanner,
                                                  const struct scim_attribute *attribute,
                                                  const struct scim_filter **ret_filter);

/* Fills the error with the place. */
enum gw_code scim_scan_refuse(struct scim_filter_scanner *scanner, const char *why);
enum gw_code scim_scan_refuse_name(struct scim_filter_scanner *scanner, const char *why, struct gw_str name);
