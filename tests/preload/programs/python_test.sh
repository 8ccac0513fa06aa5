# needs: python3=python3
# witness: python3*
# limit: 300
# Python's own tests: json, dict, gc, threading, and multiprocessing by fork.
. "$CORPUS/lib.sh"
python=$(python3 -c 'import sys; print(sys.executable)')
if ! "$python" -c 'import test.test_json, test._test_multiprocessing' 2> missing; then
    cat missing >&2
    echo "python3 comes without its test package: install libpython3.11-testsuite, or a python3 that has it" >&2
    exit 3
fi
worst=0
# suite COMMAND…: the counts and the verdict, without the times; the reasons when it fails.
suite() {
    PYTHONMALLOC=malloc under "$python" -B "$@" > log 2>&1 && status=0 || status=$?
    grep -E '^(OK|FAILED|Ran |FAIL:|ERROR:)' log | sed -E 's/ in [0-9.]+s$//'
    if [ "$status" != 0 ]; then tail -40 log >&2; worst=$status; fi
}
suite -m unittest -b test.test_json test.test_dict test.test_gc test.test_list test.test_bytes
if [ "$CORPUS_SCALE" = full ]; then
    # One test asserts that nothing has imported threading before it: a matter of the site's .pth files.
    suite -c 'import sys, unittest
from test import test_threading
del test_threading.ThreadTests.test_import_from_another_thread
unittest.main(test_threading, argv=["test_threading"], buffer=True)'
    suite "$CORPUS/data/mp_fork.py"
fi
exit "$worst"
