"""Python's own multiprocessing tests by the fork method.

Newer versions have them as test.test_multiprocessing_fork; this works for all, as
that is what its modules do.
"""
import unittest
from test import _test_multiprocessing

_test_multiprocessing.install_tests_in_module_dict(globals(), "fork")

if __name__ == "__main__":
    unittest.main(buffer=True)
