#include "gateway/command/import_report.h"

#include <inttypes.h>

static struct json_value *row_json(struct gw_arena *arena, uint64_t line, const char *outcome)
{
    struct json_value *row = json_object_new(arena);
    json_object_append(arena, row, GW_STR("line"), json_integer_new(arena, (int64_t)line));
    command_text_append(arena, row, GW_STR("outcome"), gw_str_from(outcome));
    return row;
}

/* stdout that is full or closed is told of at the end, by command_output_done. */
static void print_json(const struct json_value *value)
{
    if (!command_print_json(stdout, value))
        return;
}

static void print_row(struct import_report *report, uint64_t line, const struct store_change *change)
{
    GW_ARENA_SCOPED(arena);
    bool is_new = change->result.outcome == STORE_OUTCOME_CREATED;
    struct gw_str name = change->as.import.draft.user_name;
    struct gw_str id = is_new ? GW_STR_NONE : command_id_text(report->folder, &arena, change->result.user_seq);
    if (report->as_json) {
        struct json_value *row = row_json(&arena, line, is_new ? "created" : "matched");
        command_text_append(&arena, row, GW_STR("userName"), name);
        if (!is_new)
            command_text_append(&arena, row, GW_STR("userId"), id);
        print_json(row);
        return;
    }
    (void)printf("line %" PRIu64 ": ", line);
    command_print_text(stdout, name);
    if (is_new)
        (void)printf(" %s\n", report->is_dry ? "would be created" : "created");
    else
        (void)printf(" is known already, %.*s\n", GW_STR_ARG(id));
}

void import_report_row(struct import_report *report, uint64_t line, const struct store_change *change)
{
    report->created += change->result.outcome == STORE_OUTCOME_CREATED;
    report->matched += change->result.outcome != STORE_OUTCOME_CREATED;
    if (!report->with_rows)
        return;
    progress_clear(&report->progress);
    print_row(report, line, change);
}

void import_report_refusal(struct import_report *report, uint64_t line, const char *reason)
{
    GW_ARENA_SCOPED(arena);
    report->refused++;
    if (report->refused <= IMPORT_REFUSALS_SHOWN) {
        progress_clear(&report->progress);
        (void)fprintf(stderr, "line %" PRIu64 ": ", line);
        command_print_text(stderr, gw_str_from(reason));
        (void)fputc('\n', stderr);
    }
    if (report->refused == IMPORT_REFUSALS_SHOWN)
        (void)fputs("further rows that are refused are only counted\n", stderr);
    if (!report->with_rows || !report->as_json)
        return;
    struct json_value *row = row_json(&arena, line, "refused");
    command_text_append(&arena, row, GW_STR("reason"), gw_str_from(reason));
    print_json(row);
}

void import_report_end(struct import_report *report, const char *file)
{
    GW_ARENA_SCOPED(arena);
    progress_clear(&report->progress);
    if (!report->as_json) {
        (void)printf("%s: %" PRIu64 " rows: %" PRIu64 " %s, %" PRIu64 " known already, %" PRIu64 " refused\n", file,
                     report->rows, report->created, report->is_dry ? "would be created" : "created", report->matched,
                     report->refused);
        return;
    }
    struct json_value *top = json_object_new(&arena);
    json_object_append(&arena, top, GW_STR("rows"), json_integer_new(&arena, (int64_t)report->rows));
    json_object_append(&arena, top, GW_STR("created"), json_integer_new(&arena, (int64_t)report->created));
    json_object_append(&arena, top, GW_STR("matched"), json_integer_new(&arena, (int64_t)report->matched));
    json_object_append(&arena, top, GW_STR("refused"), json_integer_new(&arena, (int64_t)report->refused));
    json_object_append(&arena, top, GW_STR("dryRun"), json_bool_new(&arena, report->is_dry));
    print_json(top);
}
