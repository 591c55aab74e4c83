/* Form bodies, content types and queries. */
#include "gateway/saml/saml_scan.h"
#include "gateway/sso/form.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t count_of(struct gw_str text, struct gw_str word)
{
    size_t count = 0;
    for (size_t i = 0; i + word.len <= text.len; i++)
        count += memcmp(text.ptr + i, word.ptr, word.len) == 0;
    return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    GW_ARENA_SCOPED(arena);
    struct gw_str body = gw_str_n((const char *)data, size);
    struct sso_form form;
    struct gw_error err;
    if (sso_form_parse(&arena, body, &form, &err) == GW_OK) {
        GW_ASSERT(form.saml_response.len > 0);
        GW_ASSERT(count_of(body, GW_STR("SAMLResponse")) >= 1);
        struct gw_str xml;
        if (saml_base64_decode(&arena, form.saml_response, &xml, &err) == GW_OK)
            GW_ASSERT(saml_scan(xml, &err) == GW_OK || err.code == GW_E_BAD_REQUEST);
    } else {
        GW_ASSERT(form.saml_response.ptr == NULL);
    }
    struct sso_token_form token;
    if (sso_form_parse_token(&arena, body, &token, &err) == GW_OK && token.id_token.ptr != NULL)
        GW_ASSERT(count_of(body, GW_STR("id_token")) >= 1);
    GW_ASSERT(sso_form_query_names_token(body) || count_of(body, GW_STR("id_token")) == 0);
    struct sso_form_head head = {&body, 1, &body, size % 2};
    GW_ASSERT(sso_form_check_head(&head, &err) == GW_OK || err.code == GW_E_MEDIA_TYPE);
    GW_ASSERT(sso_form_query_names_saml(body) || count_of(body, GW_STR("SAMLResponse")) == 0);
    return 0;
}
