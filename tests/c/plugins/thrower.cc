// A C++ library inside a C program: its runtime is loaded late and privately.
#include <new>
#include <stdexcept>
#include <string>
#include <vector>

extern "C" int plugin_catches_bad_alloc(std::size_t size) {
    try {
        char *p = new char[size];
        __asm__ volatile("" : "+r"(p) : : "memory"); // or the pair is optimised away
        delete[] p;
        return 0;
    } catch (const std::bad_alloc &) {
        return 1;
    }
}

extern "C" int plugin_works() {
    std::vector<std::string> words;
    for (int i = 0; i < 1000; i++) words.push_back(std::string(i % 100, 'x'));
    try {
        throw std::runtime_error(words[50]);
    } catch (const std::exception &error) {
        return std::string(error.what()).size() == 50;
    }
}
