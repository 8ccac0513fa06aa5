// malloc_info: well-formed XML with glibc's elements; EINVAL for options; the stream's error is answered.
// runs: plain preload linked static
#include <malloc.h>

#include "harness.h"

// Walks tags and keeps the open ones on a stack: balanced, one root, attributes quoted.
static void well_formed(const char *text) {
    char stack[20][32];
    int depth = 0, roots = 0;
    for (const char *p = strchr(text, '<'); p != NULL; p = strchr(p, '<')) {
        const char *end = strchr(p, '>');
        CHECK(end != NULL);
        char name[32] = {0};
        size_t length = strcspn(p + 1 + (p[1] == '/'), " />");
        CHECK(length > 0 && length < sizeof name);
        memcpy(name, p + 1 + (p[1] == '/'), length);
        int quotes = 0;
        for (const char *q = p; q < end; q++) quotes += *q == '"';
        CHECK(quotes % 2 == 0);
        if (p[1] == '/') {
            CHECK(depth > 0 && strcmp(stack[--depth], name) == 0);
        } else if (end[-1] != '/') {
            CHECK(depth < 20);
            roots += depth == 0;
            strcpy(stack[depth++], name);
        }
        p = end;
    }
    CHECK(depth == 0 && roots == 1);
}

int main(void) {
    char *text = NULL;
    size_t length = 0;
    void *held = keep(malloc(10000));
    FILE *stream = open_memstream(&text, &length);
    CHECK(malloc_info(1, stream) == EINVAL);
    CHECK(malloc_info(-1, stream) == EINVAL);
    fflush(stream);
    CHECK(length == 0);
    CHECK(malloc_info(0, stream) == 0);
    CHECK(fclose(stream) == 0);
    CHECK(strncmp(text, "<malloc version=\"1\">", 20) == 0);
    CHECK(strstr(text, "<heap nr=\"0\">") != NULL);
    CHECK(strstr(text, "<total type=\"mmap\" count=\"") != NULL);
    const char *system = strstr(text, "<system type=\"current\" size=\"");
    CHECK(system != NULL && strtoull(system + 29, NULL, 10) >= 10000);
    well_formed(text);
    free(text);
    free(held);
    return 0;
}
