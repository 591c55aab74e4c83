#include "store/fault.h"

#include "gateway/base/result.h"

#include <setjmp.h>
#include <signal.h>
#include <stddef.h>

static _Thread_local sigjmp_buf *way_out; /* of the call that this thread is in */

static void on_bus_error(int number)
{
    sigjmp_buf *out = way_out;
    if (out == NULL) {
        (void)signal(number, SIG_DFL); /* the same access comes again, and ends the process */
        return;
    }
    way_out = NULL;
    siglongjmp(*out, 1);
}

void store_fault_init(void)
{
    /* not blocked while it runs: it leaves by a jump that restores no mask, which would cost every read a system call
     */
    struct sigaction action = {.sa_handler = on_bus_error, .sa_flags = SA_NODEFER};
    (void)sigemptyset(&action.sa_mask);
    GW_ASSERT(sigaction(SIGBUS, &action, NULL) == 0);
}

int store_fault_run(store_fault_fn call, void *data)
{
    sigjmp_buf out;
    GW_ASSERT(way_out == NULL);
    if (sigsetjmp(out, 0) != 0)
        return STORE_FAULT;
    way_out = &out;
    int rc = call(data);
    way_out = NULL;
    return rc;
}
