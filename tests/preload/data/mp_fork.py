"""Python's own multiprocessing tests by the fork method.

Newer versions have them as test.test_multiprocessing_fork; this works for all, as
that is what its modules do.
"""
import unittest
from test import _test_multiprocessing

_test_multiprocessing.install_tests_in_module_dict(globals(), "fork")

# The imitation of processes by threads forks nothing, and its pool's test_terminate
# hangs now and then on a busy machine, whatever the allocator.
for name in [n for n in globals() if n.startswith("WithThreads")]:
    del globals()[name]

if __name__ == "__main__":
    unittest.main(buffer=True)
