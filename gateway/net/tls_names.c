#include "gateway/net/tls_names.h"

#include <openssl/x509v3.h>

static struct gw_str lower(struct gw_arena *arena, const unsigned char *bytes, size_t len)
{
    char *text = gw_arena_alloc(arena, len);
    for (size_t i = 0; i < len; i++)
        text[i] = gw_lower((char)bytes[i]);
    return gw_str_n(text, len);
}

void tls_names_read(X509 *certificate, struct gw_arena *arena, struct tls_names *ret_names)
{
    *ret_names = (struct tls_names){0};
    GENERAL_NAMES *list = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
    int count = list != NULL ? sk_GENERAL_NAME_num(list) : 0;
    size_t room = (size_t)count < TLS_NAMES_MAX ? (size_t)count : TLS_NAMES_MAX;
    ret_names->names = gw_arena_array(arena, room > 0 ? room : 1, sizeof *ret_names->names);
    for (int i = 0; i < count && ret_names->count < room; i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(list, i);
        if (name->type != GEN_DNS)
            continue;
        const unsigned char *bytes = ASN1_STRING_get0_data(name->d.dNSName);
        size_t len = (size_t)ASN1_STRING_length(name->d.dNSName);
        bool is_wild = len > 2 && bytes[0] == '*' && bytes[1] == '.';
        if (len > 0 && len <= TLS_NAME_BYTES_MAX && bytes[0] != '.')
            ret_names->names[ret_names->count++] = lower(arena, bytes + is_wild, len - is_wild);
    }
    GENERAL_NAMES_free(list);
}

enum tls_name_match tls_names_match(const struct tls_names *names, struct gw_str name)
{
    enum tls_name_match best = TLS_NAME_NONE;
    ptrdiff_t dot = gw_str_find(name, '.');
    struct gw_str parent = dot > 0 ? gw_str_from_pos(name, (size_t)dot) : GW_STR_NONE;
    if (dot == 0 || name.len == 0)
        return TLS_NAME_NONE;
    for (size_t i = 0; i < names->count && best != TLS_NAME_EXACT; i++) {
        if (gw_str_eq_nocase(names->names[i], name))
            best = TLS_NAME_EXACT;
        else if (parent.len > 1 && gw_str_eq_nocase(names->names[i], parent))
            best = TLS_NAME_WILDCARD;
    }
    return best;
}
