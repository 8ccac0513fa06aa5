# needs: g++=g++
# witness: *g++* cc1plus *as *ld* templates
# limit: 120
# A C++ file that is heavy in templates: compiled on the library, then run on it.
. "$CORPUS/lib.sh"
cp "$CORPUS/data/templates.cpp" .
under g++ -std=c++17 "$(scaled -O1 -O2)" -pthread -c templates.cpp -o templates.o
cksum < templates.o
under g++ -pthread templates.o -o templates
under ./templates "$(scaled 20000 200000)"
