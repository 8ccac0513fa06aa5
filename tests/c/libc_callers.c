// Blocks that the C library asks for and the program frees, and the other way round.
// runs: plain preload linked static both
#define _GNU_SOURCE
#include <dirent.h>
#include <regex.h>
#include <wchar.h>

#include "harness.h"

static int by_value(const void *a, const void *b) {
    return *(const int *)a - *(const int *)b;
}

int main(void) {
    for (int round = 0; round < 100; round++) {
        char *text = NULL, *copy = strdup("some text"), *line = NULL, *memory = NULL;
        size_t capacity = 0, length = 0;
        CHECK(copy && strcmp(copy, "some text") == 0);
        free(copy);
        CHECK(asprintf(&text, "%d-%s-%f", round, "abc", 1.5) > 0);
        free(text);
        FILE *stream = open_memstream(&memory, &length);
        CHECK(stream != NULL);
        for (int i = 0; i < 2000; i++) fprintf(stream, "line %d\n", i);
        CHECK(fclose(stream) == 0 && length == strlen(memory));
        stream = fmemopen(memory, length, "r");
        line = malloc(3);
        capacity = 3;
        int lines = 0;
        while (getline(&line, &capacity, stream) > 0) lines++;
        CHECK(lines == 2000);
        fclose(stream);
        free(line);
        free(memory);
        char *folder = getcwd(NULL, 0), *full = realpath("/usr/../usr", NULL);
        CHECK(folder && full && strcmp(full, "/usr") == 0);
        free(folder);
        free(full);
        wchar_t *wide = wcsdup(L"wide");
        CHECK(wide && wcscmp(wide, L"wide") == 0);
        free(wide);
    }
    struct dirent **names;
    int count = scandir("/usr", &names, NULL, alphasort);
    CHECK(count > 0);
    for (int i = 0; i < count; i++) free(names[i]);
    free(names);
    regex_t expression;
    CHECK(regcomp(&expression, "^(a|b)*c{2,5}[[:digit:]]+$", REG_EXTENDED) == 0);
    CHECK(regexec(&expression, "ababccc12", 0, NULL, 0) == 0);
    regfree(&expression);
    enum { COUNT = 100000 };
    int *numbers = malloc(COUNT * sizeof *numbers);
    for (int i = 0; i < COUNT; i++) numbers[i] = (i * 7919) % COUNT;
    qsort(numbers, COUNT, sizeof *numbers, by_value);
    for (int i = 1; i < COUNT; i++) CHECK(numbers[i - 1] <= numbers[i]);
    free(numbers);
    return 0;
}
