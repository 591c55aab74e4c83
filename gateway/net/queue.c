#include "gateway/net/queue.h"

#include "gateway/base/result.h"

void net_queue_init(struct net_queue *queue)
{
    *queue =
        (struct net_queue){.collecting = GW_BUF_INIT(NET_QUEUE_BYTES_MAX), .flying = GW_BUF_INIT(NET_QUEUE_BYTES_MAX)};
}

void net_queue_done(struct net_queue *queue)
{
    gw_buf_done(&queue->collecting);
    gw_buf_done(&queue->flying);
    net_queue_init(queue);
}

void net_queue_trim(struct net_queue *queue)
{
    if (queue->collecting.len == 0 && !queue->collecting.overflow)
        gw_buf_done(&queue->collecting);
    if (queue->flying.len == 0 && queue->piece == 0)
        gw_buf_done(&queue->flying);
}

static void swap(struct net_queue *queue)
{
    struct gw_buf empty = queue->flying;
    queue->flying = queue->collecting;
    queue->collecting = empty;
    queue->flown = 0;
}

struct gw_str net_queue_piece(struct net_queue *queue, size_t bytes_max)
{
    GW_ASSERT(queue->piece == 0);
    if (queue->flown == queue->flying.len) {
        gw_buf_clear(&queue->flying);
        queue->flown = 0;
        if (queue->collecting.len > 0)
            swap(queue);
    }
    size_t left = queue->flying.len - queue->flown;
    queue->piece = left < bytes_max ? left : bytes_max;
    return queue->piece > 0 ? gw_str_n(queue->flying.data + queue->flown, queue->piece) : GW_STR_NONE;
}

void net_queue_written(struct net_queue *queue)
{
    queue->flown += queue->piece;
    queue->piece = 0;
    if (queue->flown < queue->flying.len)
        return;
    gw_buf_clear(&queue->flying);
    queue->flown = 0;
    if (queue->flying.capacity > NET_QUEUE_KEEP_BYTES)
        gw_buf_done(&queue->flying);
}
