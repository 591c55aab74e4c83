/* unit: what every cmocka program includes. */
#pragma once

/* cmocka needs these first */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "gateway/base/str.h"

#define assert_str_equal(actual, literal) unit_assert_str((actual), gw_str_from(literal), __FILE__, __LINE__)
void unit_assert_str(struct gw_str actual, struct gw_str expected, const char *file, int line);

/* A fresh folder under TMPDIR, removed with all it holds by unit_folder_remove. The caller frees the path. */
char *unit_folder_new(void);
void unit_folder_remove(char *path);
