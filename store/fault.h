/* fault: a page of the store that the disk does not give. LMDB reads by memory, so a read that fails is no error but a
 * signal (SIGBUS), which would end a process that serves thousands for one page. What touches the map runs here, and
 * such a signal becomes STORE_FAULT. A signal from elsewhere ends the process as ever. Private to store/. Any thread.
 */
#pragma once

#define STORE_FAULT (-1) /* no error number of LMDB's or the system's */

/* From now on, for the whole process. */
void store_fault_init(void);

/* Returns what `call` returns; STORE_FAULT when a page could not be had: then it was left in the middle, with what it
 * owned and had locked. After that a read transaction is ended as ever; a transaction that was writing is torn, and
 * nothing may be done with it any more. Not nested. */
typedef int (*store_fault_fn)(void *data);
int store_fault_run(store_fault_fn call, void *data);

/* For a command, around a call that cannot be left in the middle: such a signal of this thread ends the process with
 * exit status 1 and these words on stderr, which are borrowed. NULL: as before. */
void store_fault_end_with(const char *last_words);
