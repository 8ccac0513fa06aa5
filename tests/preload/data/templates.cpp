// Heavy on templates for the compiler, heavy on small blocks and threads for the allocator.
// The output does not depend on time, addresses or the number of processors.
#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <functional>
#include <future>
#include <list>
#include <map>
#include <memory>
#include <numeric>
#include <optional>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <thread>
#include <tuple>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

template <std::size_t N> struct Fib { static constexpr std::uint64_t value = Fib<N - 1>::value + Fib<N - 2>::value; };
template <> struct Fib<0> { static constexpr std::uint64_t value = 0; };
template <> struct Fib<1> { static constexpr std::uint64_t value = 1; };

template <std::size_t... I> constexpr std::uint64_t fib_sum(std::index_sequence<I...>) { return (Fib<I>::value + ...); }

template <std::size_t N> struct alignas(N % 3 == 0 ? 64 : 16) Node {
    std::array<std::uint64_t, N> words{};
    std::unique_ptr<Node<(N > 1 ? N - 1 : 1)>> next;
};

template <std::size_t N> std::uint64_t chain(std::uint64_t seed) {
    auto node = std::make_unique<Node<N>>();
    node->words.fill(seed);
    std::uint64_t below = 0;
    if constexpr (N > 1) {
        below = chain<N - 1>(seed * 31 + N);
        node->next = std::make_unique<Node<N - 1>>();
    }
    return below ^ std::accumulate(node->words.begin(), node->words.end(), std::uint64_t{0});
}

using Value = std::variant<int, std::string, std::vector<double>, std::map<std::string, int>, std::optional<std::pair<int, long>>>;

struct Weigh {
    std::size_t operator()(int v) const { return static_cast<std::size_t>(v); }
    std::size_t operator()(const std::string &s) const { return s.size(); }
    std::size_t operator()(const std::vector<double> &v) const { return v.size() * 3; }
    std::size_t operator()(const std::map<std::string, int> &m) const { return m.size() * 5; }
    std::size_t operator()(const std::optional<std::pair<int, long>> &o) const { return o ? static_cast<std::size_t>(o->second) : 1; }
};

static std::size_t churn(std::uint64_t seed, int rounds) {
    std::unordered_map<std::string, Value> table;
    std::list<std::shared_ptr<std::string>> shared;
    std::deque<std::function<std::size_t()>> jobs;
    std::set<std::tuple<int, std::string, char>> order;
    std::uint64_t x = seed;
    for (int i = 0; i < rounds; i++) {
        x = x * 6364136223846793005ULL + 1442695040888963407ULL;
        auto key = "key" + std::to_string(x >> 33 & 1023);
        switch (x >> 60 & 3) {
        case 0: table[key] = static_cast<int>(x >> 40 & 255); break;
        case 1: table[key] = std::string(x >> 50 & 127, 'x'); break;
        case 2: table[key] = std::vector<double>(x >> 50 & 63, 1.5); break;
        default: table[key] = std::map<std::string, int>{{key, i}, {"other", i + 1}};
        }
        shared.push_back(std::make_shared<std::string>(key + key + key + key));
        jobs.emplace_back([copy = shared.back(), key] { return copy->size() + key.size(); });
        order.emplace(static_cast<int>(x >> 44 & 63), key, static_cast<char>('a' + (x >> 20) % 26));
        if (shared.size() > 500) shared.pop_front();
        if (jobs.size() > 300) jobs.pop_front();
        if (order.size() > 700) order.erase(order.begin());
    }
    std::size_t sum = order.size();
    for (auto &[k, v] : table) sum += k.size() * std::visit(Weigh{}, v);
    for (auto &job : jobs) sum += job();
    return sum;
}

int main(int argc, char **argv) {
    int rounds = argc > 1 ? std::atoi(argv[1]) : 10000;
    std::printf("%llu\n", static_cast<unsigned long long>(fib_sum(std::make_index_sequence<60>{})));
    std::printf("%llu\n", static_cast<unsigned long long>(chain<40>(7)));
    std::vector<std::future<std::size_t>> answers;
    for (std::uint64_t i = 0; i < 8; i++) answers.push_back(std::async(std::launch::async, churn, i + 1, rounds));
    for (auto &a : answers) std::printf("%zu ", a.get());
    std::ostringstream text;
    for (int i = 0; i < rounds / 10; i++) text << "item" << i << "=" << i * 3 << ";";
    std::string all = text.str();
    std::regex pattern("item([0-9]*7)=([0-9]+);");
    auto found = std::distance(std::sregex_iterator(all.begin(), all.end(), pattern), std::sregex_iterator());
    std::printf("\n%ld\n", static_cast<long>(found));
}
