#!/bin/sh
# needs: python3=python3
# serves: python3*
# about: Python as it comes: JSON, objects, dictionaries and strings; its own allocator serves small blocks.
set -eu
export LC_ALL=C.UTF-8 PYTHONHASHSEED=0 PYTHONDONTWRITEBYTECODE=1
unset PYTHONPATH PYTHONHOME PYTHONSTARTUP 2> /dev/null || true
dir=$2
case $1 in
prepare)
    # The interpreter itself, not a script that chooses one.
    if [ -x /usr/bin/python3 ]; then python=/usr/bin/python3; else python=$(python3 -c 'import sys; print(sys.executable)'); fi
    ln -sf "$python" "$dir/python3"
    cat > "$dir/work.py" <<'PYTHON'
import json, re, sys, zlib
from collections import Counter, defaultdict

n = int(sys.argv[1])
x = 7


def random(k):
    global x
    x = (x * 1103515245 + 12345) % 2147483648
    return (x >> 6) % k


class Node:
    def __init__(self, key, value):
        self.key, self.value, self.left, self.right = key, value, None, None


def insert(root, key, value):
    while True:
        side = "left" if key < root.key else "right"
        below = getattr(root, side)
        if below is None:
            return setattr(root, side, Node(key, value))
        root = below


document = [{"id": i, "name": f"name-{random(9973)}", "tags": [f"t{random(50)}" for _ in range(random(6))],
             "place": {"x": random(1000) / 8, "y": random(1000) / 8}} for i in range(n)]
text = json.dumps(document)
again = json.loads(text)
print("json", len(text), zlib.crc32(text.encode()), again == document)

root = Node(1 << 23, "")
for entry in again:
    insert(root, random(1 << 24), entry["name"])
depth, level, count = 0, [root], 0
while level:
    depth, count = depth + 1, count + len(level)
    level = [b for node in level for b in (node.left, node.right) if b]
print("tree", count, depth)

groups = defaultdict(list)
for entry in again:
    groups[entry["name"]].append((entry["id"], *entry["tags"]))
counter = Counter(tag for entry in again for tag in entry["tags"])
print("groups", len(groups), max(map(len, groups.values())), counter.most_common(3))

words = re.findall(r"name-\d+|t\d+", text)
swapped = re.sub(r"(\d)(\d)", r"\2\1", text)
print("words", len(words), len(set(words)), zlib.crc32(swapped.encode()))

window = {}
for i in range(n * 4):
    window[f"key {random(4001)}"] = b"." * random(3000)
    if i % 3 == 0:
        window.pop(f"key {random(4001)}", None)
print("window", len(window), sum(map(len, window.values())))
PYTHON
    ;;
run)
    case $3 in full) n=20000 ;; *) n=4000 ;; esac
    exec "$dir/python3" -s "$dir/work.py" "$n"
    ;;
esac
