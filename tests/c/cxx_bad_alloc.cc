// bad_alloc is thrown through frames with destructors, from every throwing form, in threads too.
// runs: plain preload linked static both
// flags: -std=c++17 -pthread
#include <new>
#include <string>
#include <thread>
#include <vector>

#include "harness.h"

static thread_local int destroyed;
struct Guard {
    ~Guard() { destroyed++; }
};

template <class Make>
__attribute__((noinline)) static void deeper(Make make, int depth) {
    Guard guard;
    if (depth > 0) deeper(make, depth - 1);
    else keep(make());
}

template <class Make>
static void throws(Make make) {
    destroyed = 0;
    bool caught = false;
    try {
        deeper(make, 10);
    } catch (const std::bad_alloc &error) {
        caught = std::string(error.what()).find("bad_alloc") != std::string::npos;
    }
    CHECK(caught && destroyed == 11);
}

static void every_form() {
    std::size_t huge = keep_size(PTRDIFF_MAX - 1000);
    throws([=] { return ::operator new(huge); });
    throws([=] { return ::operator new[](huge); });
    throws([=] { return ::operator new(huge, std::align_val_t(64)); });
    throws([=] { return ::operator new[](huge, std::align_val_t(4096)); });
    throws([=] { return ::operator new(keep_size(SIZE_MAX)); });
    CHECK(keep(::operator new(huge, std::nothrow)) == nullptr);
    CHECK(keep(::operator new[](huge, std::nothrow)) == nullptr);
    CHECK(keep(::operator new(huge, std::align_val_t(64), std::nothrow)) == nullptr);
    CHECK(keep(::operator new[](huge, std::align_val_t(64), std::nothrow)) == nullptr);
    throws([=]() -> void * {
        std::vector<char> v;
        v.reserve(huge);
        return v.data();
    });
    exercise(1);
}

int main() {
    every_form();
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; i++) threads.emplace_back([] {
        for (int k = 0; k < 50; k++) every_form();
    });
    for (auto &thread : threads) thread.join();
    return 0;
}
