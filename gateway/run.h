/* run: the commands that serve. argv[0] is the command's own name; they return the exit status. */
#pragma once

#define RUN_CONFIG_DEFAULT "/etc/provgate/provgate.yaml"
#define CHILD_FD_CHECK 4 /* the shared memory that a child inherits */

int command_run(int argc, char **argv);
int command_child(int argc, char **argv);
