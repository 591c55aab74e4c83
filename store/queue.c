#include "store/queue.h"

void store_queue_init(struct store_queue *queue)
{
    *queue = (struct store_queue){.link = &queue->first};
}

void store_queue_push(struct store_queue *queue, struct store_change *change)
{
    change->next = NULL;
    *queue->link = change;
    queue->link = &change->next;
    queue->count++;
}

struct store_change *store_queue_pop(struct store_queue *queue)
{
    struct store_change *change = queue->first;
    if (change == NULL)
        return NULL;
    queue->first = change->next;
    if (queue->first == NULL)
        queue->link = &queue->first;
    queue->count--;
    change->next = NULL;
    return change;
}
