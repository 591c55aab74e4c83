/* upgrade: how one version of the program hands over to another in place. The parent executes the new program under
 * its own pid; what must live on (listening sockets, writers' roles, the children that serve) passes as open
 * descriptors and a short text in anonymous memory, whose number stands in the environment. The new parent starts
 * children of its own and then retires the old ones, as after a reload. The text is one line per thing, and later
 * versions may add lines: "role KIND FD", "handover FD SIZE", "socket USE FD ADDRESS", "child KIND PID serving|retiring
 * CREW". One thread. */
#pragma once

#include "gateway/crew.h"

struct upgrade_child {
    enum child_kind kind;
    pid_t pid;
    bool is_serving;
    unsigned crew;
};
#define UPGRADE_CHILDREN_MAX (CHILD_KINDS * SHARED_PLACES)

/* In the old program: does not return when the new one runs. `children`: of all crews. */
void upgrade_execute(const char *program, const struct ground *ground, const struct upgrade_child *children,
                     size_t child_count, struct gw_error *err);

/* In the new one: was it executed by an old one? Fills roles, sockets and handover_fd (-1: of another layout). */
bool upgrade_take(struct ground *ground, struct upgrade_child children[UPGRADE_CHILDREN_MAX], size_t *ret_child_count);
