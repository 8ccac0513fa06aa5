// Worker threads that allocate strings, maps, typed arrays and messages; the sums do not depend on timing.
const { Worker, isMainThread, parentPort, workerData } = require('node:worker_threads');
const zlib = require('node:zlib');

function churn(seed, rounds) {
  let x = seed, sum = 0;
  const kept = new Map();
  for (let i = 0; i < rounds; i++) {
    x = (Math.imul(x, 1103515245) + 12345) >>> 0;
    const key = 'key' + (x % 4001);
    kept.set(key, Buffer.alloc(16 + (x % 3000), x & 255));
    if (i % 3 === 0) kept.delete('key' + ((x >>> 8) % 4001));
    if (i % 500 === 0) sum = (sum + zlib.gzipSync(Buffer.concat([...kept.values()].slice(0, 50))).length) % 1000003;
  }
  for (const [k, v] of kept) sum = (sum + k.length * v.length + v[0]) % 1000003;
  return sum;
}

async function main() {
  const [threads, rounds] = process.argv.slice(2).map(Number);
  for (let wave = 0; wave < 3; wave++) {
    const answers = await Promise.all(Array.from({ length: threads }, (_, i) => new Promise((resolve, reject) => {
      const worker = new Worker(__filename, { workerData: { seed: wave * 100 + i + 1, rounds } });
      let answer;
      worker.on('message', (m) => { answer = m; });
      worker.on('error', reject);
      worker.on('exit', (code) => (code ? reject(new Error('exit ' + code)) : resolve(answer)));
    })));
    console.log(answers.map((a) => `${a.sum}:${a.bytes.length}`).join(' '));
  }
  console.log(churn(99, rounds));
}

if (isMainThread) main();
else {
  const sum = churn(workerData.seed, workerData.rounds);
  const bytes = new Uint8Array(1 << 20).fill(sum & 255);
  parentPort.postMessage({ sum, bytes }, [bytes.buffer]);
}
