#include "store/positions.h"

#include "store/bytes.h"

#define KEY_BYTES 13u
#define AT_COUNT STORE_SEAL_BYTES
#define VALUE_BYTES (AT_COUNT + 8u)

static struct store_key position_key(uint32_t folder, unsigned level, uint64_t block)
{
    struct store_key key;
    store_key_init(&key);
    store_key_add_be(&key, folder, 4);
    store_key_add_be(&key, level, 1);
    store_key_add_be(&key, block, 8);
    return key;
}

bool store_position_decode(struct gw_str key, struct gw_str value, struct store_position *ret_position)
{
    if (key.len != KEY_BYTES || value.len != VALUE_BYTES)
        return false;
    *ret_position = (struct store_position){.folder = (uint32_t)bytes_get_be(key.ptr, 4),
                                            .level = (unsigned char)key.ptr[4],
                                            .block = bytes_get_be(key.ptr + 5, 8),
                                            .count = bytes_get_le(value.ptr + AT_COUNT, 8)};
    return true;
}

enum gw_code store_positions_get(struct store_view *view, uint32_t folder, unsigned level, uint64_t block,
                                 uint64_t *ret_count, struct gw_error *err)
{
    struct store_key key = position_key(folder, level, block);
    struct gw_str value;
    *ret_count = 0;
    enum gw_code code = store_get(view, STORE_TABLE_POSITIONS, store_key_str(&key), &value, err);
    if (code == GW_E_NOT_FOUND)
        return GW_OK;
    if (code == GW_OK && value.len != VALUE_BYTES)
        return store_fail_damaged(err, STORE_TABLE_POSITIONS, "a record has a wrong size");
    if (code == GW_OK)
        *ret_count = bytes_get_le(value.ptr + AT_COUNT, 8);
    return code;
}

enum gw_code store_positions_add(struct store_view *view, uint32_t folder, uint64_t seq, int change,
                                 struct gw_error *err)
{
    uint64_t block = seq;
    for (unsigned level = 0; level < STORE_BLOCK_LEVELS; level++) {
        block >>= STORE_BLOCK_BITS;
        uint64_t count = 0;
        GW_TRY(store_positions_get(view, folder, level, block, &count, err));
        if (change < 0 && count == 0)
            return store_fail_damaged(err, STORE_TABLE_POSITIONS, "a block holds fewer users than it should");
        count = change < 0 ? count - 1 : count + 1;
        struct store_key key = position_key(folder, level, block);
        uint8_t value[VALUE_BYTES];
        bytes_put_le(value + AT_COUNT, count, 8);
        if (count == 0)
            GW_TRY(store_delete(view, STORE_TABLE_POSITIONS, store_key_str(&key), err));
        else
            GW_TRY(store_put(view, STORE_TABLE_POSITIONS, store_key_str(&key), value, sizeof value, err));
    }
    return GW_OK;
}

/* Is the walk on an entry of this folder and level? */
static bool stands_at(const struct store_walk *walk, uint32_t folder, unsigned level,
                      struct store_position *ret_position)
{
    return store_position_decode(walk->key, walk->value, ret_position) && ret_position->folder == folder &&
           ret_position->level == level;
}

enum gw_code store_positions_total(struct store_view *view, uint32_t folder, uint64_t *ret_count, struct gw_error *err)
{
    unsigned top = STORE_BLOCK_LEVELS - 1;
    struct store_key key = position_key(folder, top, 0);
    struct store_position position;
    *ret_count = 0;
    STORE_WALK_SCOPED(walk);
    GW_TRY(store_walk_begin(&walk, view, STORE_TABLE_POSITIONS, err));
    enum gw_code code = store_walk_seek(&walk, store_key_str(&key), err);
    while (code == GW_OK && stands_at(&walk, folder, top, &position)) {
        *ret_count += position.count;
        code = store_walk_next(&walk, err);
    }
    return code == GW_E_NOT_FOUND ? GW_OK : code;
}

/* Goes along one level from `first` and stops in the block that holds the one who has *before others before him. */
static enum gw_code descend(struct store_walk *walk, uint32_t folder, unsigned level, uint64_t *block, uint64_t *before,
                            struct gw_error *err)
{
    struct store_key key = position_key(folder, level, *block);
    struct store_position position;
    enum gw_code code = store_walk_seek(walk, store_key_str(&key), err);
    while (code == GW_OK && stands_at(walk, folder, level, &position)) {
        if (*before < position.count) {
            *block = position.block;
            return GW_OK;
        }
        *before -= position.count;
        code = store_walk_next(walk, err);
    }
    return code == GW_OK ? GW_E_NOT_FOUND : code;
}

enum gw_code store_positions_find(struct store_view *view, uint32_t folder, uint64_t position, uint64_t *ret_block,
                                  uint64_t *ret_before, struct gw_error *err)
{
    uint64_t block = 0;
    uint64_t before = position;
    STORE_WALK_SCOPED(walk);
    GW_TRY(store_walk_begin(&walk, view, STORE_TABLE_POSITIONS, err));
    for (unsigned level = STORE_BLOCK_LEVELS; level-- > 0;) {
        GW_TRY(descend(&walk, folder, level, &block, &before, err));
        if (level > 0)
            block <<= STORE_BLOCK_BITS;
    }
    *ret_block = block;
    *ret_before = before;
    return GW_OK;
}

enum gw_code store_positions_block(struct store_view *view, uint32_t folder, uint64_t block, uint64_t *ret_block,
                                   struct gw_error *err)
{
    struct store_key key = position_key(folder, 0, block);
    struct store_position position;
    STORE_WALK_SCOPED(walk);
    GW_TRY(store_walk_begin(&walk, view, STORE_TABLE_POSITIONS, err));
    GW_TRY(store_walk_seek(&walk, store_key_str(&key), err));
    if (!stands_at(&walk, folder, 0, &position))
        return GW_E_NOT_FOUND;
    *ret_block = position.block;
    return GW_OK;
}
