#!/bin/sh
# needs: python3=python3
# serves: python3*
# about: The same Python program with PYTHONMALLOC=malloc: every object is a block of the allocator.
set -eu
export PYTHONMALLOC=malloc
exec sh "$(dirname "$0")/python.sh" "$@"
