/* Runs a fuzz target over the files of its corpus: what fuzzing once found stays an ordinary test. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        return 0;
    size_t size = 0;
    uint8_t *data = NULL;
    for (size_t got = 1; got > 0; size += got) {
        data = realloc(data, size + 65536);
        if (data == NULL)
            abort();
        got = fread(data + size, 1, 65536, file);
    }
    (void)fclose(file);
    uint8_t *exact = malloc(size > 0 ? size : 1); /* exact size, so that the address sanitizer sees an overrun */
    if (exact == NULL)
        abort();
    memcpy(exact, data, size);
    free(data);
    (void)LLVMFuzzerTestOneInput(exact, size);
    free(exact);
    return 1;
}

int main(int argc, char **argv)
{
    int files = 0;
    for (int i = 1; i < argc; i++) {
        DIR *dir = opendir(argv[i]);
        for (struct dirent *entry = dir != NULL ? readdir(dir) : NULL; entry != NULL; entry = readdir(dir)) {
            char path[4096];
            (void)snprintf(path, sizeof path, "%s/%s", argv[i], entry->d_name);
            if (entry->d_name[0] != '.')
                files += replay_file(path);
        }
        if (dir != NULL)
            (void)closedir(dir);
    }
    (void)printf("%d corpus files replayed\n", files);
    return files > 0 ? 0 : 1;
}
