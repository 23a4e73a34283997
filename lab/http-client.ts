import { Agent, get } from 'node:http';

/**
 * Requests without end, each on a connection of its own: `node http-client.ts URL CONCURRENCY`. Prints a line of JSON every
 * 200 ms: how many answers each server gave since the last line, and the errors. Ends when its input does.
 */
const [url = '', concurrency = '4'] = process.argv.slice(2);
const agent = new Agent({ keepAlive: false });
let answers: Record<string, number> = {};
let errors: string[] = [];
let isStopping = false;

function request(): Promise<void> {
  return new Promise((resolve) => {
    const fail = (error: Error) => {
      errors.push(error.message);
      resolve();
    };
    const sent = get(url, { agent, timeout: 5000 }, (response) => {
      let body = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        body += chunk;
      });
      response.on('error', fail);
      response.on('end', () => {
        answers[body] = (answers[body] ?? 0) + 1;
        resolve();
      });
    });
    sent.on('timeout', () => sent.destroy(new Error('no answer within 5 s')));
    sent.on('error', fail);
  });
}

async function worker(): Promise<void> {
  while (!isStopping) {
    await request();
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

function report(): void {
  process.stdout.write(`${JSON.stringify({ answers, errors })}\n`);
  answers = {};
  errors = [];
}

process.stdin.resume().on('end', () => {
  isStopping = true;
});
const timer = setInterval(report, 200);
await Promise.all(Array.from({ length: Number(concurrency) }, worker));
clearInterval(timer);
report();
