/* trace_text: the shape of what a client sent, without any value: names of attributes, operators, kinds. Whatever is
 * not known to be a name or an operator becomes "?". Pure; any thread. */
#pragma once

#include "gateway/base/buf.h"
#include "gateway/json/value.h"
#include "routes/scim/schema.h"

/* Caps (law 10): of one part of a line, of a name, of what is looked at. */
#define TRACE_PART_BYTES_MAX 600u
#define TRACE_NAME_BYTES_MAX 80u
#define TRACE_ITEMS_MAX 60u
#define TRACE_DEPTH_MAX 5u

/* userName eq "x" and emails[type eq "work"] -> userName eq ? and emails[type eq ?]; also a PATCH path. */
void trace_filter_write(struct gw_buf *buf, const struct scim_schema_set *schemas, struct gw_str text);

/* Parameter names in order, with the shape of filter; the text is raw, without '?'. */
void trace_query_write(struct gw_buf *buf, struct gw_arena *arena, const struct scim_schema_set *schemas,
                       struct gw_str query);

/* Key names in order, "{schemas[text] name{givenName familyName} active}", op and path of PATCH operations. */
void trace_json_write(struct gw_buf *buf, const struct scim_schema_set *schemas, const struct json_value *value);
