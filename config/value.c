#include "config/value.h"

struct unit {
    const char *name;
    uint64_t factor;
};

static const struct unit size_units[] = {
    {"TiB", 1ull << 40}, {"GiB", 1ull << 30}, {"MiB", 1ull << 20}, {"KiB", 1ull << 10}, {"", 1},
};

static const struct unit duration_units[] = {
    {"d", 86400000}, {"h", 3600000}, {"m", 60000}, {"s", 1000}, {"ms", 1},
};

#define SIZE_MAX_BYTES (1ull << 50)
#define DURATION_MAX_MS (36500ull * 86400000ull) /* a hundred years */

static size_t count_digits(struct gw_str text)
{
    size_t digits = 0;
    while (digits < text.len && text.ptr[digits] >= '0' && text.ptr[digits] <= '9')
        digits++;
    return digits;
}

static bool scaled(struct gw_str text, const struct unit *units, size_t count, uint64_t max, uint64_t *ret_value)
{
    size_t digits = count_digits(text);
    struct gw_str unit = gw_str_from_pos(text, digits);
    uint64_t number;
    for (size_t i = 0; i < count; i++) {
        if (!gw_str_eq(unit, gw_str_from(units[i].name)))
            continue;
        if (!gw_str_to_u64(gw_str_n(text.ptr, digits), max / units[i].factor, &number))
            return false;
        *ret_value = number * units[i].factor;
        return true;
    }
    return false;
}

const char *config_size_parse(struct gw_arena *arena, struct gw_str text, uint64_t *ret_bytes)
{
    if (scaled(text, size_units, sizeof size_units / sizeof *size_units, SIZE_MAX_BYTES, ret_bytes))
        return NULL;
    size_t digits = count_digits(text);
    struct gw_str unit = gw_str_trim(gw_str_from_pos(text, digits));
    if (digits > 0 && unit.len > 0 && unit.len <= 3 && strchr("KMGTkmgt", unit.ptr[0]) != NULL)
        return gw_arena_printf(arena, "\"%.*s\" is not a size; did you mean %.*s%ciB?", GW_STR_ARG(text), (int)digits,
                               text.ptr, unit.ptr[0] & ~0x20)
            .ptr;
    return gw_arena_printf(arena, "\"%.*s\" is not a size such as 512MiB or 64GiB", GW_STR_ARG(text)).ptr;
}

const char *config_duration_parse(struct gw_arena *arena, struct gw_str text, int64_t *ret_ms)
{
    uint64_t value;
    if (scaled(text, duration_units, sizeof duration_units / sizeof *duration_units, DURATION_MAX_MS, &value)) {
        *ret_ms = (int64_t)value;
        return NULL;
    }
    if (text.len > 0 && count_digits(text) == text.len)
        return gw_arena_printf(arena, "\"%.*s\" has no unit; did you mean %.*ss?", GW_STR_ARG(text), GW_STR_ARG(text))
            .ptr;
    return gw_arena_printf(arena, "\"%.*s\" is not a time such as 250ms, 2s, 30m, 12h or 90d", GW_STR_ARG(text)).ptr;
}

struct gw_str config_duration_format(struct gw_arena *arena, int64_t ms)
{
    for (size_t i = 0; i < sizeof duration_units / sizeof *duration_units; i++) {
        int64_t factor = (int64_t)duration_units[i].factor;
        if (ms >= factor && ms % factor == 0)
            return gw_arena_printf(arena, "%lld%s", (long long)(ms / factor), duration_units[i].name);
    }
    return gw_arena_printf(arena, "%lldms", (long long)ms);
}

const char *config_percent_parse(struct gw_arena *arena, struct gw_str text, uint32_t *ret_percent)
{
    uint64_t value;
    if (gw_str_ends(text, GW_STR("%")) && gw_str_to_u64(gw_str_n(text.ptr, text.len - 1), 100, &value) && value > 0) {
        *ret_percent = (uint32_t)value;
        return NULL;
    }
    if (text.len > 0 && text.len <= 3 && count_digits(text) == text.len)
        return gw_arena_printf(arena, "\"%.*s\" is not a share; did you mean %.*s%%?", GW_STR_ARG(text),
                               GW_STR_ARG(text))
            .ptr;
    return gw_arena_printf(arena, "\"%.*s\" is not a share from 1%% to 100%%", GW_STR_ARG(text)).ptr;
}
