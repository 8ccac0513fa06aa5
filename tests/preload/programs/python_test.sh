# needs: python3=python3
# witness: python3*
# limit: 400
# Python's own tests: json, dict, gc, threading, and multiprocessing by fork.
. "$CORPUS/lib.sh"
python=$(python3 -c 'import sys; print(sys.executable)')
if ! "$python" -c 'import test.test_json' 2> missing; then
    cat missing >&2
    echo "python3 comes without its test package: install libpython3.11-testsuite, or a python3 that has it" >&2
    exit 3
fi
tests="test_json test_dict test_gc test_list test_bytes"
if [ "$CORPUS_SCALE" = full ]; then tests="$tests test_threading test_multiprocessing_fork"; fi
PYTHONMALLOC=malloc under "$python" -m test $tests > log 2>&1 && status=0 || status=$?
grep -E '^(All [0-9]+ tests OK|[0-9]+ tests? (OK|failed|skipped)|Tests result)' log | sed -E 's/ [0-9.]+ (sec|ms|min).*//'
[ "$status" = 0 ] || tail -40 log >&2
exit "$status"
