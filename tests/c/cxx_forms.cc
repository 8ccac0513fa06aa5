// operator new and delete in every form: plain, array, nothrow, aligned, sized, and their mixtures.
// runs: plain preload linked static both full-static
// flags: -std=c++17
#include <new>

#include "harness.h"

template <class Block>
static void check(Block *p, std::size_t size, std::size_t align) {
    CHECK(p != nullptr && aligned_to(p, align));
    fill(p, size, 3);
    CHECK(filled(p, size, 3));
}

static void plain(std::size_t size) {
    void *p;
    std::size_t align = size >= 16 ? 16 : 1;
    check(p = ::operator new(size), size, align), ::operator delete(p);
    check(p = ::operator new(size), size, align), ::operator delete(p, size);
    check(p = ::operator new(size), size, align), ::operator delete(p, std::nothrow);
    check(p = ::operator new[](size), size, align), ::operator delete[](p);
    check(p = ::operator new[](size), size, align), ::operator delete[](p, size);
    check(p = ::operator new[](size), size, align), ::operator delete[](p, std::nothrow);
    check(p = ::operator new(size, std::nothrow), size, align), ::operator delete(p, size);
    check(p = ::operator new[](size, std::nothrow), size, align), ::operator delete[](p, size);
}

static void at(std::size_t size, std::size_t align) {
    void *p;
    std::align_val_t a{align};
    check(p = ::operator new(size, a), size, align), ::operator delete(p, a);
    check(p = ::operator new(size, a), size, align), ::operator delete(p, size, a);
    check(p = ::operator new(size, a), size, align), ::operator delete(p, a, std::nothrow);
    check(p = ::operator new[](size, a), size, align), ::operator delete[](p, a);
    check(p = ::operator new[](size, a), size, align), ::operator delete[](p, size, a);
    check(p = ::operator new[](size, a), size, align), ::operator delete[](p, a, std::nothrow);
    check(p = ::operator new(size, a, std::nothrow), size, align), ::operator delete(p, size, a);
    check(p = ::operator new[](size, a, std::nothrow), size, align), ::operator delete[](p, size, a);
}

struct alignas(128) Wide {
    char bytes[200];
};
struct Counted {
    static int live;
    int value = 7;
    Counted() { live++; }
    ~Counted() { live--; }
};
int Counted::live;

int main() {
    for (std::size_t size = 0; size < (1u << 20); size = size < 300 ? size + 1 : size * 3 / 2) {
        plain(size);
        for (std::size_t align = 1; align <= 65536; align *= size < 300 ? 16 : 64) at(size, align);
    }
    ::operator delete(nullptr);
    ::operator delete[](nullptr);
    ::operator delete(nullptr, std::size_t(100));
    ::operator delete[](nullptr, std::size_t(0));
    ::operator delete(nullptr, std::align_val_t(64));
    ::operator delete(nullptr, 10, std::align_val_t(64));
    Wide *wide = new Wide, *wides = new Wide[10];
    CHECK(aligned_to(keep(wide), 128) && aligned_to(keep(wides), 128));
    delete wide;
    delete[] wides;
    Counted *many = new Counted[1000];
    CHECK(Counted::live == 1000 && many[999].value == 7);
    delete[] static_cast<Counted *>(keep(many));
    CHECK(Counted::live == 0);
    // Blocks of new are malloc's on this platform; programs rely on it.
    std::free(keep(::operator new(100)));
    ::operator delete(keep(std::malloc(100)));
    return 0;
}
