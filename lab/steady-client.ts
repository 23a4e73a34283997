import { connect } from 'node:net';

/**
 * Opens one connection after the other to frontends in turn until its input ends: `node steady-client.ts HOST:PORT …`. Prints one
 * line of JSON: how many were answered, and failures by frontend and reason. It closes first, see `tcp-server.ts`.
 */
const frontends = process.argv.slice(2);
const failures: Record<string, number> = {};
let answered = 0;
let isOver = false;
process.stdin.on('end', () => {
  isOver = true;
});
process.stdin.resume();

/** A SYN that got lost is sent again after 1 s: that would be a failure too. */
const ANSWER_MS = 900;

/** What went wrong; undefined: nothing. */
function ask(host: string, port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    let answer = '';
    let failure: string | undefined;
    socket.setTimeout(ANSWER_MS, () => socket.destroy(new Error('no answer')));
    socket.on('data', (chunk) => {
      answer += String(chunk);
      socket.end();
    });
    socket.on('error', (error: NodeJS.ErrnoException) => {
      failure = error.code ?? error.message;
    });
    socket.on('close', () => resolve(failure ?? (answer === '' ? 'closed without an answer' : undefined)));
  });
}

process.stdout.write('asking\n');
for (let n = 0; !isOver; n++) {
  const frontend = frontends[n % frontends.length] ?? '';
  const [host = '', port = '80'] = frontend.split(':');
  const failure = await ask(host, Number(port));
  if (failure === undefined) answered++;
  else failures[`${frontend} ${failure}`] = (failures[`${frontend} ${failure}`] ?? 0) + 1;
}
process.stdout.write(`${JSON.stringify({ answered, failures })}\n`);
