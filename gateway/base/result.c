#include "gateway/base/result.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct code_row {
    const char *name;
    int status;
    const char *scim_type;
    const char *text;
};

static const struct code_row code_table[GW_CODE_COUNT] = {
#define XX(code, status, scim_type, text) [code] = {#code, status, scim_type, text},
    GW_CODE_MAP(XX)
#undef XX
};

static const struct code_row *row_of(enum gw_code code)
{
    GW_ASSERT((unsigned)code < GW_CODE_COUNT);
    return &code_table[code];
}

enum gw_code gw_fail(struct gw_error *err, enum gw_code code, const char *fmt, ...)
{
    if (err == NULL)
        return code;
    va_list args;
    va_start(args, fmt);
    err->code = code;
    (void)vsnprintf(err->text, sizeof err->text, fmt, args);
    va_end(args);
    return code;
}

enum gw_code gw_error_prefix(struct gw_error *err, const char *fmt, ...)
{
    if (err == NULL)
        return GW_E_INTERNAL;
    char text[GW_ERROR_TEXT_MAX];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    size_t used = strlen(text);
    if (used + 3 < sizeof text)
        (void)snprintf(text + used, sizeof text - used, ": %.*s", (int)(sizeof text - used - 3), err->text);
    memcpy(err->text, text, sizeof text);
    return err->code;
}

int gw_code_status(enum gw_code code)
{
    return row_of(code)->status;
}

const char *gw_code_scim_type(enum gw_code code)
{
    return row_of(code)->scim_type;
}

const char *gw_code_name(enum gw_code code)
{
    return row_of(code)->name;
}

const char *gw_code_text(enum gw_code code)
{
    return row_of(code)->text;
}

void gw_assert_failed(const char *cond, const char *file, int line)
{
    (void)fprintf(stderr, "provgate: bug: %s:%d: %s\n", file, line, cond);
    abort();
}
