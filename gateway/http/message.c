#include "gateway/http/message.h"

struct gw_str http_field_find(const struct http_field *fields, size_t count, struct gw_str name)
{
    for (size_t i = 0; i < count; i++) {
        if (gw_str_eq_nocase(fields[i].name, name))
            return fields[i].value;
    }
    return GW_STR_NONE;
}

size_t http_field_count(const struct http_field *fields, size_t count, struct gw_str name)
{
    size_t found = 0;
    for (size_t i = 0; i < count; i++)
        found += gw_str_eq_nocase(fields[i].name, name);
    return found;
}

size_t http_field_values(const struct http_field *fields, size_t count, struct gw_str name, struct gw_str *ret_values)
{
    size_t found = 0;
    for (size_t i = 0; i < count && found < HTTP_FIELDS_MAX; i++) {
        if (gw_str_eq_nocase(fields[i].name, name))
            ret_values[found++] = fields[i].value;
    }
    return found;
}

struct status_row {
    int status;
    const char *reason;
};

static const struct status_row status_table[] = {
    {100, "Continue"},
    {101, "Switching Protocols"},
    {102, "Processing"},
    {103, "Early Hints"},
    {200, "OK"},
    {201, "Created"},
    {202, "Accepted"},
    {204, "No Content"},
    {206, "Partial Content"},
    {301, "Moved Permanently"},
    {302, "Found"},
    {303, "See Other"},
    {304, "Not Modified"},
    {307, "Temporary Redirect"},
    {308, "Permanent Redirect"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {411, "Length Required"},
    {412, "Precondition Failed"},
    {413, "Content Too Large"},
    {414, "URI Too Long"},
    {415, "Unsupported Media Type"},
    {417, "Expectation Failed"},
    {421, "Misdirected Request"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {502, "Bad Gateway"},
    {503, "Service Unavailable"},
    {504, "Gateway Timeout"},
    {505, "HTTP Version Not Supported"},
};

const char *http_status_reason(int status)
{
    for (size_t i = 0; i < sizeof status_table / sizeof status_table[0]; i++) {
        if (status_table[i].status == status)
            return status_table[i].reason;
    }
    return "";
}
