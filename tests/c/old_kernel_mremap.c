// Linux before 6.17 refuses mremap of a range that is more than one mapping, and with MREMAP_FIXED it has
// unmapped the target by then. That kernel is played with seccomp; blocks grow, also where the program's own
// advice has split their mapping.
// runs: plain preload linked static
#define _GNU_SOURCE
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <ucontext.h>

#include "harness.h"

// A sixth argument that mremap does not have lets the handler's own call through.
#define LET_THROUGH 0x5ca1ab1eUL

static volatile sig_atomic_t refusals;

static unsigned long hexadecimal(const char **at) {
    unsigned long value = 0;
    for (;; (*at)++) {
        char c = **at;
        if (c >= '0' && c <= '9') value = value * 16 + (unsigned long)(c - '0');
        else if (c >= 'a' && c <= 'f') value = value * 16 + (unsigned long)(c - 'a' + 10);
        else return value;
    }
}

// Whether a range lies in one mapping; reads /proc without allocating, as a signal handler must.
static int one_mapping(unsigned long start, unsigned long end) {
    static char text[1 << 20];
    int file = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
    CHECK(file >= 0);
    size_t used = 0;
    for (ssize_t n; (n = read(file, text + used, sizeof text - 1 - used)) > 0;) used += (size_t)n;
    close(file);
    text[used] = 0;
    for (const char *at = text; *at;) {
        unsigned long from = hexadecimal(&at);
        at++;
        unsigned long to = hexadecimal(&at);
        if (from <= start && start < to) return end <= to;
        while (*at && *at++ != '\n') {}
    }
    return 0;
}

static long old_mremap(unsigned long from, unsigned long old, unsigned long new, unsigned long flags,
                       unsigned long to) {
    if ((flags & MREMAP_FIXED) && !one_mapping(from, from + old)) {
        CHECK(munmap((void *)to, new) == 0);
        refusals++;
        return -EFAULT;
    }
    long answer = syscall(SYS_mremap, from, old, new, flags, to, LET_THROUGH);
    return answer == -1 ? -errno : answer;
}

static void handler(int signal, siginfo_t *info, void *context) {
    (void)signal, (void)info;
    int saved = errno;
    mcontext_t *machine = &((ucontext_t *)context)->uc_mcontext;
#if defined(__x86_64__)
    greg_t *r = machine->gregs;
    r[REG_RAX] = old_mremap((unsigned long)r[REG_RDI], (unsigned long)r[REG_RSI], (unsigned long)r[REG_RDX],
                            (unsigned long)r[REG_R10], (unsigned long)r[REG_R8]);
#elif defined(__aarch64__)
    unsigned long long *r = machine->regs;
    r[0] = (unsigned long long)old_mremap(r[0], r[1], r[2], r[3], r[4]);
#else
#error "the registers of a system call are not known for this machine"
#endif
    errno = saved;
}

static void become_old(void) {
    struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | SA_NODEFER};
    CHECK(sigaction(SIGSYS, &action, NULL) == 0);
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_mremap, 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[5])),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, LET_THROUGH, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {sizeof code / sizeof *code, code};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0) {
        dprintf(2, "seccomp is refused here (errno %d)\n", errno);
        _exit(77);
    }
}

static void *mapped(size_t size) {
    void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(p != MAP_FAILED);
    return p;
}

// Shows that the player plays.
static void refuses_as_it_did(size_t page) {
    char *from = mapped(4 * page), *to = mapped(4 * page);
    CHECK(mremap(mapped(page), page, page, MREMAP_MAYMOVE | MREMAP_FIXED, from) == from);
    CHECK(refusals == 0);
    CHECK(mprotect(from + 2 * page, page, PROT_READ) == 0);
    CHECK(mremap(from, 4 * page, 4 * page, MREMAP_MAYMOVE | MREMAP_FIXED, to) == MAP_FAILED && errno == EFAULT);
    unsigned char there[4];
    CHECK(refusals == 1 && mincore(to, 4 * page, there) == -1 && errno == ENOMEM);
    munmap(from, 4 * page);
}

// Two vectors that grow in turn, so that one is in the other's way.
static void vectors(void) {
    const size_t step = 50 << 10;
    size_t size = 300 << 10;
    void *a = malloc(size), *b = malloc(size);
    fill(a, size, 1);
    fill(b, size, 2);
    while (size < 1500 << 10) {
        a = keep(realloc(a, size + step));
        b = keep(realloc(b, size + step));
        CHECK(a != NULL && filled(a, size, 1));
        CHECK(b != NULL && filled(b, size, 2));
        size += step;
        fill(a, size, 1);
        fill(b, size, 2);
    }
    free(a);
    free(b);
}

static void advised(size_t size, size_t page) {
    char *a = malloc(size), *b = malloc(size);
    fill(a, size, 3);
    fill(b, size, 4);
    char *inner = a + page - (uintptr_t)a % page + page;
    CHECK(madvise(inner, size / 3 / page * page, MADV_DONTFORK) == 0);
    a = keep(realloc(a, 2 * size));
    CHECK(a != NULL && filled(a, size, 3));
    fill(a, 2 * size, 5);
    CHECK(filled(b, size, 4));
    free(b);
    free(a);
}

int main(void) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    become_old();
    refuses_as_it_did(page);
    vectors();
    for (size_t size = 300 << 10; size < 16 << 20; size = size * 5 / 2) advised(size, page);
    exercise(1);
    return 0;
}
