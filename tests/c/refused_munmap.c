// munmap and madvise are refused from some moment on: frees go on, errno is kept, blocks are right.
// runs: plain preload linked static
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "harness.h"

int main(void) {
    void *blocks[64];
    for (int i = 0; i < 64; i++) fill(blocks[i] = malloc((size_t)(i + 1) << 18), 1000, (unsigned)i);
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_munmap, 2, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_madvise, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOMEM),
    };
    struct sock_fprog program = {sizeof code / sizeof *code, code};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0) {
        dprintf(2, "seccomp is refused here (errno %d)\n", errno);
        return 77;
    }
    errno = 222;
    for (int i = 0; i < 64; i += 2) free(blocks[i]);
    CHECK(errno == 222);
    for (int i = 1; i < 64; i += 2) CHECK(filled(blocks[i], 1000, (unsigned)i));
    for (int i = 0; i < 64; i += 2) {
        size_t size = (size_t)(i + 1) << 18;
        blocks[i] = keep(calloc(1, size));
        CHECK(blocks[i] != NULL && all_zero(blocks[i], size));
    }
    for (int i = 0; i < 64; i++) free(blocks[i]);
    exercise(1);
    return 0;
}
