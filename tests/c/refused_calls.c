// seccomp refuses getrandom, clock_gettime, madvise, mremap and prctl from the start, then mmap as well: no
// crash, memory while mmap is allowed, NULL and ENOMEM afterwards.
// runs: plain preload linked static
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "harness.h"

static void refuse(const int *calls, size_t count, int error) {
    struct sock_filter code[64];
    size_t n = 0;
    code[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
    for (size_t i = 0; i < count; i++) {
        code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)calls[i], 0, 1);
        code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned)error);
    }
    code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    struct sock_fprog program = {(unsigned short)n, code};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0) {
        dprintf(2, "seccomp is refused here (errno %d)\n", errno);
        _exit(77);
    }
}

int main(int count, char **arguments) {
    (void)count;
    if (getenv("REFUSED") == NULL) {
        setenv("REFUSED", "1", 1);
        const int calls[] = {SYS_getrandom, SYS_clock_gettime, SYS_madvise, SYS_mremap, SYS_rseq, SYS_membarrier};
        refuse(calls, sizeof calls / sizeof *calls, EPERM);
        execv("/proc/self/exe", arguments);
        CHECK(!"execv");
    }
    for (unsigned i = 0; i < 50; i++) exercise(i);
    void *p = malloc(1u << 20);
    for (size_t size = 2u << 20; size <= 128u << 20; size *= 2) {
        fill(p, 1000, 4);
        p = keep(realloc(p, size));
        CHECK(p != NULL && filled(p, 1000, 4));
    }
    free(p);
    // Enough frees for memory to be given back; that madvise says no must not matter.
    static void *blocks[20000];
    for (int i = 0; i < 20000; i++) memset(blocks[i] = malloc(2000), 1, 2000);
    for (int i = 0; i < 20000; i++) free(blocks[i]);
    for (int i = 0; i < 2000; i++) {
        void *zero = calloc(1, 20000);
        CHECK(zero != NULL && all_zero(zero, 20000));
        memset(zero, 1, 20000);
        blocks[i] = zero;
    }
    for (int i = 0; i < 2000; i++) free(blocks[i]);
    // The program break, for whoever uses it: refusing brk itself would look like success to its caller.
    struct rlimit little = {1 << 20, 1 << 20};
    CHECK(setrlimit(RLIMIT_DATA, &little) == 0);
    const int maps[] = {SYS_mmap};
    refuse(maps, 1, ENOMEM);
    int refused = 0;
    static void *more[300];
    for (int i = 0; i < 300; i++) {
        errno = 0;
        more[i] = keep(malloc(4u << 20));
        if (more[i] == NULL) {
            CHECK(errno == ENOMEM);
            refused = 1;
        }
    }
    CHECK(refused);
    for (int i = 0; i < 300; i++) free(more[i]);
    return 0;
}
