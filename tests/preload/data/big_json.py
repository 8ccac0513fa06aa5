"""Builds, writes and reads a large JSON document, alone and in threads, with a forked child in between."""
import hashlib, json, os, sys, threading

def document(n):
    x, out = 7, []
    for i in range(n):
        x = (x * 1103515245 + 12345) % 2**31
        out.append({"id": i, "name": "n%d" % (x % 9973), "tags": ["t%d" % (x >> s & 255) for s in (0, 8, 16)], "value": x / 7, "none": None})
    return out

text = json.dumps(document(int(sys.argv[1])))
print(len(text), hashlib.sha256(text.encode()).hexdigest())
sums = {}

def work(number):
    data = json.loads(text)
    sums[number] = sum(len(d["name"]) + d["id"] * number for d in data) % 1000003

threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
for t in threads:
    t.start()
for _ in range(5):
    child = os.fork()
    if child == 0:
        ok = len(json.loads(text[: text.index("}") + 1] + "]")) == 1
        os._exit(0 if ok else 1)
    print("child", os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
for t in threads:
    t.join()
print(sorted(sums.items()))
