// The new-handler: called on failure by every form, may free memory, may throw, may uninstall itself.
// runs: plain preload linked static both
// flags: -std=c++17
#include <sys/resource.h>

#include <new>
#include <vector>

#include "harness.h"

static int calls;
static std::vector<void *> reserve;
struct Mine {};

static void uninstalls_itself() {
    calls++;
    if (calls == 3) std::set_new_handler(nullptr);
}

static void throws_mine() {
    calls++;
    throw Mine();
}

static void frees_memory() {
    calls++;
    if (reserve.empty()) std::set_new_handler(nullptr);
    else {
        std::free(reserve.back());
        reserve.pop_back();
    }
}

template <class Make>
static void is_called(Make make, bool nothrow) {
    calls = 0;
    std::set_new_handler(uninstalls_itself);
    bool thrown = false;
    try {
        CHECK(keep(make()) == nullptr);
    } catch (const std::bad_alloc &) {
        thrown = true;
    }
    CHECK(calls == 3 && thrown != nothrow);
}

int main() {
    std::size_t huge = keep_size(PTRDIFF_MAX - 1000);
    std::align_val_t wide{256};
    is_called([=] { return ::operator new(huge); }, false);
    is_called([=] { return ::operator new[](huge); }, false);
    is_called([=] { return ::operator new(huge, wide); }, false);
    is_called([=] { return ::operator new[](huge, wide); }, false);
    is_called([=] { return ::operator new(huge, std::nothrow); }, true);
    is_called([=] { return ::operator new[](huge, std::nothrow); }, true);
    is_called([=] { return ::operator new(huge, wide, std::nothrow); }, true);
    is_called([=] { return ::operator new[](huge, wide, std::nothrow); }, true);

    std::set_new_handler(throws_mine);
    calls = 0;
    bool mine = false;
    try {
        keep(::operator new(huge));
    } catch (const Mine &) {
        mine = true;
    }
    CHECK(mine && calls == 1);

    // Blocks large enough to be given back at once; when they are gone, the handler finds a new one's room.
    reserve.reserve(1000);
    rlimit limit;
    CHECK(getrlimit(RLIMIT_AS, &limit) == 0);
    limit.rlim_cur = std::size_t(1) << 30;
    CHECK(setrlimit(RLIMIT_AS, &limit) == 0);
    for (;;) {
        void *block = keep(std::malloc(40u << 20));
        if (block == nullptr) break;
        reserve.push_back(block);
    }
    CHECK(reserve.size() >= 3);
    std::set_new_handler(frees_memory);
    calls = 0;
    void *block = keep(::operator new(40u << 20));
    CHECK(block != nullptr && calls >= 1 && calls <= 3);
    ::operator delete(block);
    for (void *held : reserve) std::free(held);
    return 0;
}
