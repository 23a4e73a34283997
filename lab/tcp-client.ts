import { connect } from 'node:net';

/**
 * Opens connections and waits until each was answered: `node tcp-client.ts COUNT CONCURRENCY HOST PORT ADDRESS…`. The client
 * addresses are used in turn. Prints one line of JSON: answers by server, and failures by reason.
 */
const [count = '0', concurrency = '1', host = '', port = '80', ...addresses] = process.argv.slice(2);
const answers: Record<string, number> = {};
const failures: Record<string, number> = {};
let started = 0;

function add(counts: Record<string, number>, key: string): void {
  counts[key] = (counts[key] ?? 0) + 1;
}

function open(index: number): Promise<void> {
  return new Promise((resolve) => {
    const localAddress = addresses[index % addresses.length];
    const socket = connect({
      host,
      port: Number(port),
      ...(localAddress === undefined ? {} : { localAddress }),
    });
    let answer = '';
    let failure: string | undefined;
    socket.setTimeout(10_000, () =>
      socket.destroy(Object.assign(new Error(), { code: 'lost: no answer in 10 s' })),
    );
    socket.on('data', (chunk) => {
      answer += String(chunk);
    });
    socket.on('error', (error: NodeJS.ErrnoException) => {
      failure = error.code ?? error.message;
    });
    socket.on('close', () => {
      if (failure === undefined && answer !== '') add(answers, answer);
      else add(failures, failure ?? 'lost: closed without an answer');
      resolve();
    });
  });
}

async function worker(): Promise<void> {
  while (started < Number(count)) await open(started++);
}

await Promise.all(Array.from({ length: Number(concurrency) }, worker));
process.stdout.write(`${JSON.stringify({ answers, failures })}\n`);
