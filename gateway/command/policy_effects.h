/* policy_effects: what would happen, sentence by sentence, for `policy test`. Main thread only. */
#pragma once

#include "gateway/command/policy_show.h"
#include "store/inspect.h"

#define POLICY_EFFECTS_MAX 16u

struct policy_effects {
    struct gw_arena *arena;
    bool is_change;
    enum store_brake_verdict brake; /* of what takes somebody out */
    uint64_t sessions;              /* that would end */
    const char
        *outcome;     /* of a SCIM body: "create", "adopt", "revive", "update", "hold", "nothing", "refuse"; or NULL */
    const char *rule; /* that named the user of a POST; NULL: none */
    struct gw_str kept_until; /* the end of the retention time; empty: none */
    struct gw_str attributes; /* names that would change, blank separated */
    const char *texts[POLICY_EFFECTS_MAX];
    size_t count;
};

/* `text` is kept as it is. */
void policy_effect_add(struct policy_effects *effects, const char *text);
/* Adds what the event would do to the user. */
GW_MUST_CHECK enum gw_code policy_foresee(struct policy_effects *effects, struct command_folder *folder,
                                          const struct store_user *user, enum policy_event event, struct gw_error *err);
/* `user` as it is now, or NULL: there is none yet. */
GW_MUST_CHECK enum gw_code policy_effects_print(struct command_folder *folder, const struct store_user *user,
                                                const struct policy_effects *effects, bool as_json,
                                                struct gw_error *err);
