// The C++ library at work in threads: containers, strings, streams, shared pointers, exceptions, thread_local.
// runs: plain preload linked static both full-static
// flags: -std=c++17 -pthread
#include <algorithm>
#include <deque>
#include <future>
#include <list>
#include <map>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "harness.h"

struct Global {
    std::vector<std::string> words;
    Global() {
        for (int i = 0; i < 1000; i++) words.push_back("word " + std::to_string(i));
    }
    ~Global() { CHECK(words[999] == "word 999"); }
};
static Global global;

struct Local {
    std::unique_ptr<std::map<int, std::string>> map = std::make_unique<std::map<int, std::string>>();
    ~Local() {
        std::vector<std::string> copy;
        for (auto &entry : *map) copy.push_back(entry.second + "!");
        map.reset();
    }
};
static thread_local Local local;

static std::size_t work(int seed) {
    std::unordered_map<std::string, std::shared_ptr<std::vector<int>>> table;
    std::list<std::deque<int>> list;
    for (int i = 0; i < 2000; i++) {
        auto key = std::to_string((i * 31 + seed) % 500) + std::string(std::size_t(i) % 60, '.');
        auto &entry = table[key];
        if (!entry) entry = std::make_shared<std::vector<int>>();
        entry->push_back(i);
        (*local.map)[i % 100] = key;
        if (i % 20 == 0) list.emplace_back(std::size_t(i), i);
        if (i % 50 == 0) try {
                throw std::runtime_error(key + global.words[std::size_t(i) % 1000]);
            } catch (const std::exception &error) {
                CHECK(std::string(error.what()).rfind(key, 0) == 0);
            }
    }
    std::ostringstream out;
    for (auto &entry : table) out << entry.first << entry.second->size() << ' ';
    list.sort([](auto &a, auto &b) { return a.size() > b.size(); });
    CHECK(list.front().size() == 1980);
    std::size_t sum = 0;
    for (auto &entry : table) sum += entry.second->size();
    return out.str().empty() ? 0 : sum;
}

int main() {
    for (int round = 0; round < 5; round++) {
        std::vector<std::future<std::size_t>> results;
        for (int i = 0; i < 6; i++) results.push_back(std::async(std::launch::async, work, round * 10 + i));
        for (auto &result : results) CHECK(result.get() == 2000);
    }
    CHECK(work(3) == 2000);
    return 0;
}
