#!/bin/sh
# needs: node=nodejs
# serves: node
# about: Node: JSON and strings in V8's own heap, buffers, compression and worker threads on the allocator.
set -eu
export LC_ALL=C
unset NODE_OPTIONS NODE_PATH NODE_EXTRA_CA_CERTS 2> /dev/null || true
dir=$2
case $1 in
prepare)
    cat > "$dir/work.js" <<'JS'
'use strict';
const { Worker, isMainThread, parentPort, workerData } = require('node:worker_threads');
const zlib = require('node:zlib');

function generator(seed) {
  let x = seed;
  return (k) => { x = (Math.imul(x, 1103515245) + 12345) >>> 0; return (x >>> 6) % k; };
}

function json(seed, n) {
  const random = generator(seed);
  const list = Array.from({ length: n }, (_, i) => ({ id: i, name: `name ${random(9973)}`, tags: Array.from({ length: random(5) }, () => `t${random(50)}`) }));
  const text = JSON.stringify(list);
  const again = JSON.parse(text);
  return `${text.length} ${again.reduce((sum, e) => (sum + e.name.length * (e.tags.length + 1)) % 1000003, 0)}`;
}

function buffers(seed, n) {
  const random = generator(seed);
  const kept = new Map();
  let sum = 0;
  for (let i = 0; i < n; i++) {
    const size = random(4) ? 16 + random(3000) : 5000 + random(60000);
    kept.set(random(400), Buffer.alloc(size, size & 255));
    if (i % 1000 === 0) {
      const packed = zlib.gzipSync(Buffer.concat([...kept.values()].slice(0, 20)));
      sum = (sum + zlib.gunzipSync(packed).length) % 1000003;
    }
  }
  for (const [key, value] of kept) sum = (sum + key * value.length + value[0]) % 1000003;
  return sum;
}

async function main(n) {
  console.log('json', json(7, n));
  console.log('buffers', buffers(11, n));
  const answers = await Promise.all([1, 2, 3, 4].map((seed) => new Promise((resolve, reject) => {
    const worker = new Worker(__filename, { workerData: { seed, n: n / 4 } });
    let answer;
    worker.on('message', (message) => { answer = message; });
    worker.on('error', reject);
    worker.on('exit', (code) => (code ? reject(new Error(`exit ${code}`)) : resolve(answer)));
  })));
  for (const { text, bytes } of answers) console.log('worker', text, bytes.length);
}

if (isMainThread) main(Number(process.argv[2]));
else {
  const { seed, n } = workerData;
  const bytes = new Uint8Array(1 << 20).fill(seed);
  parentPort.postMessage({ text: `${json(seed, n)} ${buffers(seed, n)}`, bytes }, [bytes.buffer]);
}
JS
    ;;
run)
    case $3 in full) n=24000 ;; *) n=4000 ;; esac
    exec node "$dir/work.js" "$n"
    ;;
esac
