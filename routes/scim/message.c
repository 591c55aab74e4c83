#include "routes/scim/message.h"

#include "gateway/json/write.h"

void scim_error_write(struct gw_buf *buf, enum gw_code code, const char *detail)
{
    const char *scim_type = gw_code_scim_type(code);
    gw_buf_add_lit(buf, "{\"schemas\":[\"" SCIM_URN_ERROR "\"],");
    if (scim_type != NULL)
        gw_buf_printf(buf, "\"scimType\":\"%s\",", scim_type);
    gw_buf_add_lit(buf, "\"detail\":");
    json_write_string(buf, gw_str_from(detail != NULL && detail[0] != '\0' ? detail : gw_code_text(code)));
    gw_buf_printf(buf, ",\"status\":\"%d\"}", gw_code_status(code));
}

void scim_list_write(struct gw_buf *buf, uint64_t total, uint64_t start_index, size_t count, struct gw_str resources)
{
    gw_buf_add_lit(buf, "{\"schemas\":[\"" SCIM_URN_LIST "\"],\"totalResults\":");
    gw_buf_add_u64(buf, total);
    gw_buf_add_lit(buf, ",\"startIndex\":");
    gw_buf_add_u64(buf, start_index);
    gw_buf_add_lit(buf, ",\"itemsPerPage\":");
    gw_buf_add_u64(buf, count);
    gw_buf_add_lit(buf, ",\"Resources\":[");
    gw_buf_add(buf, resources);
    gw_buf_add_lit(buf, "]}");
}
