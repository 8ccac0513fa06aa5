// An aligned operator new whose size overflows when rounded to its alignment throws; some C++ runtimes hand out
// an empty block.
// runs: preload linked static
// flags: -std=c++17
#include <new>

#include "harness.h"

int main() {
    const std::size_t sizes[] = {SIZE_MAX, SIZE_MAX - 10, SIZE_MAX - 4000, std::size_t(PTRDIFF_MAX) + 1};
    for (std::size_t size : sizes)
        for (std::size_t align = 32; align <= 1 << 20; align *= 8) {
            int thrown = 0;
            try {
                keep(::operator new(keep_size(size), std::align_val_t(align)));
            } catch (const std::bad_alloc &) {
                thrown++;
            }
            try {
                keep(::operator new[](keep_size(size), std::align_val_t(align)));
            } catch (const std::bad_alloc &) {
                thrown++;
            }
            CHECK(thrown == 2);
            CHECK(keep(::operator new(keep_size(size), std::align_val_t(align), std::nothrow)) == nullptr);
            CHECK(keep(::operator new[](keep_size(size), std::align_val_t(align), std::nothrow)) == nullptr);
        }
    return 0;
}
