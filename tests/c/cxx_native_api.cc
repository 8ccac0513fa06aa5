// The native header from C++, and a container on it.
// runs: linked static
// flags: -std=c++17 -I../../include
#include <new>
#include <vector>

#include "harness.h"
#include "heapwright.h"

template <class T>
struct OnHeapwright {
    using value_type = T;
    OnHeapwright() = default;
    template <class U>
    OnHeapwright(const OnHeapwright<U> &) {}
    T *allocate(std::size_t n) {
        void *p = hw_aligned_alloc(alignof(T), n * sizeof(T));
        if (!p) throw std::bad_alloc();
        return static_cast<T *>(p);
    }
    void deallocate(T *p, std::size_t) { hw_free(p); }
    friend bool operator==(OnHeapwright, OnHeapwright) { return true; }
    friend bool operator!=(OnHeapwright, OnHeapwright) { return false; }
};

int main() {
    std::vector<int, OnHeapwright<int>> numbers;
    for (int i = 0; i < 100000; i++) numbers.push_back(i);
    for (int i = 0; i < 100000; i++) CHECK(numbers[std::size_t(i)] == i);
    CHECK(hw_version() != nullptr);
    return 0;
}
