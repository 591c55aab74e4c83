#include "gateway/saml/saml_scan.h"

#include "gateway/base/digest.h"
#include "gateway/base/text.h"

/* Copies whole groups of four, skipping the line breaks between them. */
static bool unwrap(struct gw_str text, char *dst, size_t *ret_len)
{
    size_t used = 0;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (c == '\r' && (i + 1 == text.len || text.ptr[i + 1] != '\n'))
            return false;
        if (c != '\r' && c != '\n')
            dst[used++] = c;
        else if (used % 4 != 0 || used == 0)
            return false;
    }
    *ret_len = used;
    return true;
}

enum gw_code saml_base64_decode(struct gw_arena *arena, struct gw_str text, struct gw_str *ret_xml,
                                struct gw_error *err)
{
    if (text.len > SAML_BASE64_BYTES_MAX)
        return gw_fail(err, GW_E_BAD_REQUEST, "SAMLResponse is larger than %u bytes", SAML_BASE64_BYTES_MAX);
    char *plain = gw_arena_alloc(arena, text.len + 1);
    size_t len;
    if (!unwrap(text, plain, &len) || len == 0 || !gw_base64_decode(arena, gw_str_n(plain, len), ret_xml))
        return gw_fail(err, GW_E_BAD_REQUEST, "SAMLResponse is not canonical base64");
    return GW_OK;
}

struct scan {
    const char *at;
    const char *end;
    unsigned depth;
    unsigned elements;
    unsigned roots;
};

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool has_controls(struct gw_str xml)
{
    for (size_t i = 0; i < xml.len; i++) {
        unsigned char c = (unsigned char)xml.ptr[i];
        if ((c < 0x20 && !is_blank((char)c)) || c == 0x7f)
            return true;
    }
    return false;
}

/* The value of `name` in the XML declaration, without quotes. */
static bool declared(struct gw_str declaration, struct gw_str name, struct gw_str *ret_value)
{
    const char *hit = memmem(declaration.ptr, declaration.len, name.ptr, name.len);
    if (hit == NULL)
        return false;
    struct gw_str rest = gw_str_from_pos(declaration, (size_t)(hit - declaration.ptr) + name.len);
    while (rest.len > 0 && (is_blank(rest.ptr[0]) || rest.ptr[0] == '='))
        rest = gw_str_from_pos(rest, 1);
    char quote = rest.len > 0 ? rest.ptr[0] : '\0';
    rest = gw_str_from_pos(rest, 1);
    ptrdiff_t close = quote == '"' || quote == '\'' ? gw_str_find(rest, quote) : -1;
    *ret_value = gw_str_n(rest.ptr, close >= 0 ? (size_t)close : 0);
    return true;
}

static enum gw_code skip_declaration(struct scan *scan, struct gw_error *err)
{
    struct gw_str all = gw_str_n(scan->at, (size_t)(scan->end - scan->at));
    if (!gw_str_starts(all, GW_STR("<?")))
        return GW_OK;
    const char *close = memmem(all.ptr, all.len, "?>", 2);
    if (!gw_str_starts(all, GW_STR("<?xml")) || all.len < 6 || !is_blank(all.ptr[5]) || close == NULL)
        return gw_fail(err, GW_E_BAD_REQUEST, "the response starts with something that is no XML declaration");
    struct gw_str declaration = gw_str_n(all.ptr, (size_t)(close - all.ptr));
    struct gw_str value = GW_STR_NONE;
    if (!declared(declaration, GW_STR("version"), &value) || !gw_str_eq(value, GW_STR("1.0")))
        return gw_fail(err, GW_E_BAD_REQUEST, "the response is not XML 1.0");
    if (declared(declaration, GW_STR("encoding"), &value) && !gw_str_eq_nocase(value, GW_STR("UTF-8")))
        return gw_fail(err, GW_E_BAD_REQUEST, "the response declares an encoding that is not UTF-8");
    scan->at = close + 2;
    return GW_OK;
}

/* From behind `<name` to behind `>`. An attribute is counted by its quoted value. */
static enum gw_code scan_tag(struct scan *scan, bool *ret_empty, struct gw_error *err)
{
    unsigned attributes = 0;
    for (; scan->at < scan->end; scan->at++) {
        char c = *scan->at;
        if (c == '>') {
            *ret_empty = scan->at[-1] == '/';
            scan->at++;
            return GW_OK;
        }
        if (c == '<')
            break;
        if (c != '"' && c != '\'')
            continue;
        if (++attributes > SAML_ATTRIBUTES_MAX)
            return gw_fail(err, GW_E_BAD_REQUEST, "an element has more than %d attributes", SAML_ATTRIBUTES_MAX);
        size_t left = (size_t)(scan->end - scan->at) - 1;
        const char *close = memchr(scan->at + 1, c, left);
        if (close == NULL || memchr(scan->at + 1, '<', (size_t)(close - scan->at) - 1) != NULL)
            break;
        scan->at = close;
    }
    return gw_fail(err, GW_E_BAD_REQUEST, "the response has a tag that is not well formed");
}

static enum gw_code scan_open(struct scan *scan, struct gw_error *err)
{
    if (scan->depth == 0 && ++scan->roots > 1)
        return gw_fail(err, GW_E_BAD_REQUEST, "the response has more than one root element");
    if (++scan->elements > SAML_ELEMENTS_MAX)
        return gw_fail(err, GW_E_BAD_REQUEST, "the response has more than %d elements", SAML_ELEMENTS_MAX);
    if (scan->depth == SAML_DEPTH_MAX)
        return gw_fail(err, GW_E_BAD_REQUEST, "the response is nested deeper than %d elements", SAML_DEPTH_MAX);
    bool empty = false;
    GW_TRY(scan_tag(scan, &empty, err));
    if (!empty)
        scan->depth++;
    return GW_OK;
}

static enum gw_code scan_close(struct scan *scan, struct gw_error *err)
{
    const char *close = memchr(scan->at, '>', (size_t)(scan->end - scan->at));
    if (close == NULL || scan->depth == 0)
        return gw_fail(err, GW_E_BAD_REQUEST, "the response closes an element that is not open");
    scan->depth--;
    scan->at = close + 1;
    return GW_OK;
}

static enum gw_code scan_markup(struct scan *scan, struct gw_error *err)
{
    char c = ++scan->at < scan->end ? *scan->at : '\0';
    if (c == '!')
        return gw_fail(err, GW_E_BAD_REQUEST, "the response has a DOCTYPE, a comment or a CDATA section");
    if (c == '?')
        return gw_fail(err, GW_E_BAD_REQUEST, "the response has a processing instruction");
    return c == '/' ? scan_close(scan, err) : scan_open(scan, err);
}

enum gw_code saml_scan(struct gw_str xml, struct gw_error *err)
{
    if (xml.len > SAML_XML_BYTES_MAX)
        return gw_fail(err, GW_E_BAD_REQUEST, "the response is larger than %u bytes", SAML_XML_BYTES_MAX);
    if (!gw_utf8_valid(xml) || has_controls(xml))
        return gw_fail(err, GW_E_BAD_REQUEST, "the response is not UTF-8 text without control characters");
    struct scan scan = {.at = xml.ptr, .end = xml.ptr + xml.len};
    GW_TRY(skip_declaration(&scan, err));
    while (scan.at < scan.end) {
        if (*scan.at == '<') {
            GW_TRY(scan_markup(&scan, err));
        } else if (scan.depth == 0 && !is_blank(*scan.at)) {
            return gw_fail(err, GW_E_BAD_REQUEST, "the response has text outside its root element");
        } else {
            scan.at++;
        }
    }
    if (scan.depth != 0 || scan.roots != 1)
        return gw_fail(err, GW_E_BAD_REQUEST, "the response is cut short");
    return GW_OK;
}
