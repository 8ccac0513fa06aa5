#!/bin/sh
# needs: g++=g++
# serves: cc1plus
# about: The C++ compiler on templates: variants, nested containers and functions, instantiated over and over.
set -eu
export LC_ALL=C
unset CPATH CPLUS_INCLUDE_PATH COMPILER_PATH GCC_EXEC_PREFIX 2> /dev/null || true
dir=$2
case $1 in
prepare)
    awk 'BEGIN {
        print "#include <map>\n#include <string>\n#include <tuple>\n#include <vector>\n"
        print "template <int N> struct Key { int value[N]; bool operator<(const Key &o) const { return value[0] < o.value[0]; } };"
        print "template <int N> int fill(int n) {"
        print "    std::map<Key<N>, std::vector<std::tuple<int, std::string>>> m;"
        print "    for (int i = 0; i < n; i++) m[Key<N>{{i}}].emplace_back(i, std::to_string(i));"
        print "    int sum = 0; for (auto &e : m) sum += std::get<0>(e.second.front()); return sum;\n}"
        print "int all(int n) {\n    int sum = 0;\n#ifdef FULL"
        for (i = 1; i <= 5; i++) printf "    sum += fill<%d>(n);\n", i
        print "#endif\n    return sum;\n}"
    }' > "$dir/work.cpp"
    ;;
run)
    cd "$dir"
    case $3 in full) define=-DFULL ;; *) define=-DQUICK ;; esac
    TMPDIR=$dir g++ -std=c++17 -O1 $define -S work.cpp -o out.s
    cksum < out.s
    ;;
esac
