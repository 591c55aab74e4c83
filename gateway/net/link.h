/* link: a doubly linked list whose nodes live inside the objects. A zeroed node is not linked; a list is a node that
 * was initialised. Any thread, one at a time. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct net_link {
    struct net_link *next;
    struct net_link *prev;
};

#define NET_CONTAINER(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

static inline void net_link_init(struct net_link *list)
{
    list->next = list->prev = list;
}

static inline bool net_link_is_linked(const struct net_link *node)
{
    return node->next != NULL;
}

static inline bool net_link_is_empty(const struct net_link *list)
{
    return list->next == list;
}

/* At the end of `list`. */
static inline void net_link_add(struct net_link *list, struct net_link *node)
{
    node->prev = list->prev;
    node->next = list;
    list->prev->next = node;
    list->prev = node;
}

/* Does nothing to a node that is not linked. */
static inline void net_link_remove(struct net_link *node)
{
    if (node->next == NULL)
        return;
    node->next->prev = node->prev;
    node->prev->next = node->next;
    node->next = node->prev = NULL;
}
