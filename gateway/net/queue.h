/* queue: bytes on their way to one socket. One buffer collects while the other is being written; when that is done they
 * swap, so that what is being written never moves. Any thread, one at a time. */
#pragma once

#include "gateway/base/buf.h"

#define NET_QUEUE_BYTES_MAX                                                                                            \
    (4u * 1024u * 1024u)                    /* passing it is a bug of a producer that did not look at the room         \
                                             */
#define NET_QUEUE_KEEP_BYTES (128u * 1024u) /* larger buffers are freed when they run empty */

struct net_queue {
    struct gw_buf collecting;
    struct gw_buf flying;
    size_t flown; /* bytes of `flying` that were written */
    size_t piece; /* bytes behind them that are being written now */
};

void net_queue_init(struct net_queue *queue);
void net_queue_done(struct net_queue *queue);
void net_queue_trim(struct net_queue *queue); /* frees the memory of those buffers that are empty */

/* Bytes that were added and not written yet. */
static inline size_t net_queue_bytes(const struct net_queue *queue)
{
    return queue->collecting.len + queue->flying.len - queue->flown;
}

/* The next piece to write, at most `bytes_max`; it stays where it is until net_queue_written. Empty: nothing to write.
 * Not while a piece is being written. */
struct gw_str net_queue_piece(struct net_queue *queue, size_t bytes_max);
void net_queue_written(struct net_queue *queue);
