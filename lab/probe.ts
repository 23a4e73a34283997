import { createSocket } from 'node:dgram';
import { connect, isIPv6 } from 'node:net';
import { createInterface } from 'node:readline';

/**
 * Opens connections as it is told by lines of JSON, `{ protocol, host, port, count, timeoutMs }`, and prints for each line
 * a list with what came of every connection: the answer, `silent`, or the error's code. Ends when its input does.
 */
interface Request {
  readonly protocol: 'tcp' | 'udp';
  readonly host: string;
  readonly port: number;
  readonly count: number;
  readonly timeoutMs: number;
}

function codeOf(error: NodeJS.ErrnoException): string {
  return error.code ?? error.message;
}

function probeTcp({ host, port, timeoutMs }: Request): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    let answer = '';
    socket.setTimeout(timeoutMs, () => {
      resolve('silent');
      socket.destroy();
    });
    socket.on('data', (chunk) => {
      answer += String(chunk);
    });
    socket.on('error', (error) => resolve(codeOf(error)));
    socket.on('close', () => resolve(answer));
  });
}

function probeUdp({ host, port, timeoutMs }: Request): Promise<string> {
  return new Promise((resolve) => {
    const socket = createSocket(isIPv6(host) ? 'udp6' : 'udp4');
    const end = (result: string) => {
      clearTimeout(timer);
      socket.close();
      resolve(result);
    };
    const timer = setTimeout(end, timeoutMs, 'silent');
    socket.once('error', (error) => end(codeOf(error)));
    socket.once('message', (message) => end(String(message)));
    // Only a connected socket is told of ICMP errors.
    socket.connect(port, host, () => socket.send('who?'));
  });
}

for await (const line of createInterface({ input: process.stdin })) {
  const request = JSON.parse(line) as Request;
  const open = request.protocol === 'tcp' ? probeTcp : probeUdp;
  const results = await Promise.all(Array.from({ length: request.count }, () => open(request)));
  process.stdout.write(`${JSON.stringify(results)}\n`);
}
