#include "gateway/base/percent.h"

size_t gw_percent_decode(struct gw_str s, char *dst)
{
    size_t used = 0;
    for (size_t i = 0; i < s.len; i++) {
        int high = s.ptr[i] == '%' && i + 2 < s.len ? gw_hex_digit(s.ptr[i + 1]) : -1;
        int low = high >= 0 ? gw_hex_digit(s.ptr[i + 2]) : -1;
        if (low >= 0) {
            dst[used++] = (char)(high * 16 + low);
            i += 2;
        } else {
            dst[used++] = s.ptr[i];
        }
    }
    return used;
}
