/* queue: changes in the order of their coming, linked through themselves. Private to store/. Takes no lock: its user
 * does. */
#pragma once

#include "store/change.h"

struct store_queue {
    struct store_change *first;
    struct store_change **link; /* where the next one is hung */
    size_t count;
};

void store_queue_init(struct store_queue *queue);
void store_queue_push(struct store_queue *queue, struct store_change *change);
struct store_change *store_queue_pop(struct store_queue *queue); /* NULL when it is empty */
