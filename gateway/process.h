/* process: what the two children are. Each opens the store, starts its writer and its loop threads, serves until
 * SIGTERM, drains, and ends. Called by main in a process of its own; returns its exit status. */
#pragma once

int sso_process_run(const char *config_path);
int prov_process_run(const char *config_path);

#define PROCESS_DRAIN_MS 10000 /* running exchanges have this long after SIGTERM */
