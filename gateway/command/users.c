#include "gateway/command/users.h"

#define PAGE_USERS 256u
#define PAGE_BYTES (4u << 20) /* a page ends early when its users are large */

struct page {
    struct gw_arena *arena;
    struct store_user users[PAGE_USERS];
    size_t count;
};

static bool on_stored(const struct store_user *user, void *data)
{
    struct page *page = data;
    struct store_user *copy = &page->users[page->count++];
    *copy = *user;
    copy->user_name = gw_arena_copy(page->arena, user->user_name);
    copy->external_id = gw_arena_copy(page->arena, user->external_id);
    copy->attributes = gw_arena_copy(page->arena, user->attributes);
    copy->emails = gw_arena_array(page->arena, user->email_count, sizeof *copy->emails);
    for (size_t i = 0; i < user->email_count; i++)
        copy->emails[i] = gw_arena_copy(page->arena, user->emails[i]);
    return page->count < PAGE_USERS && page->arena->used_bytes < PAGE_BYTES;
}

/* The first page by position, the others from behind the last user: positions shift when a user is deleted. */
static enum gw_code read_page(struct command_folder *folder, uint64_t position, uint64_t last_seq, struct page *page,
                              struct gw_error *err)
{
    gw_arena_reset(page->arena);
    page->count = 0;
    GW_TRY(store_reader_begin(folder->reader, err));
    enum gw_code code =
        last_seq == 0 ? store_users_page(folder->reader, folder->number, position, PAGE_USERS, on_stored, page, err)
                      : store_users_scan(folder->reader, folder->number, last_seq + 1, on_stored, page, err);
    store_reader_end(folder->reader);
    return code;
}

enum gw_code command_users_walk(struct command_folder *folder, uint64_t position, command_user_fn on_user, void *data,
                                struct gw_error *err)
{
    GW_ARENA_SCOPED(arena);
    GW_ARENA_SCOPED(own);
    struct page *page = gw_arena_alloc(&own, sizeof *page);
    page->arena = &arena;
    if (folder->number == 0)
        return GW_OK;
    GW_TRY(read_page(folder, position, 0, page, err));
    while (page->count > 0) {
        for (size_t i = 0; i < page->count; i++) {
            if (!on_user(&page->users[i], data))
                return GW_OK;
        }
        GW_TRY(read_page(folder, position, page->users[page->count - 1].seq, page, err));
    }
    return GW_OK;
}
