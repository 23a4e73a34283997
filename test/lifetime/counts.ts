/** Defined in children: what is open in the network namespace, where nobody else has any, and in the process. */
export const COUNTS = `
  const { readFileSync, readdirSync } = require('node:fs');
  // Netfilter is netlink's protocol 12.
  const openSockets = () => (readFileSync('/proc/self/net/netlink', 'latin1').match(/^[0-9a-f]+ 12 /gm) ?? []).length;
  const threads = () => readdirSync('/proc/self/task').length;
  const turn = () => new Promise((resolve) => setTimeout(resolve, 20));
`;

/**
 * Runs 20 workers from `source` one after the other and prints how many sockets are left. They say when they are busy, and are
 * terminated a little later each time.
 */
export function terminatedWorkers(source: string, laterMs: number): string {
  return workers(
    source,
    20,
    `
      await new Promise((resolve) => worker.once('message', resolve));
      await new Promise((resolve) => setTimeout(resolve, i * ${laterMs}));
      await worker.terminate();
    `,
  );
}

/** The same, of workers that end by themselves. */
export function endingWorkers(source: string, count = 20): string {
  return workers(
    source,
    count,
    `
      const code = await new Promise((resolve) => worker.once('exit', resolve));
      if (code !== 0) process.exit(code);
    `,
  );
}

function workers(source: string, count: number, end: string): string {
  return `
    ${COUNTS}
    const { Worker } = require('node:worker_threads');
    const source = workerSource(\`${source}\`);
    (async () => {
      const before = openSockets();
      let left = 0;
      for (let i = 0; i < ${count}; i++) {
        const worker = new Worker(source, { eval: true });
        ${end}
        left += openSockets() - before;
      }
      console.log(left);
    })();
  `;
}
