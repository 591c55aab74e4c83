/* fault: a page of the store that the disk does not give. LMDB reads by memory, so a read that fails is no error but a
 * signal (SIGBUS), which would end a process that serves thousands for one page. What reads the map runs here, and such
 * a signal becomes EIO. A signal from elsewhere ends the process as ever. Private to store/. Any thread. */
#pragma once

/* From now on, for the whole process. */
void store_fault_init(void);

/* Returns what `read` returns; EIO when a page could not be had: then `read` was left in the middle, so it must own
 * nothing, take no lock, and write nothing that is needed afterwards. Not nested. */
typedef int (*store_fault_fn)(void *data);
int store_fault_run(store_fault_fn read, void *data);
