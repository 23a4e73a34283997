import { createSocket } from 'node:dgram';
import { createServer } from 'node:net';

/**
 * A server for TCP and UDP that answers with its name and the address that it was asked from:
 * `node client-ip-server.ts NAME PORT`.
 */
const [name = 'server', port = '8080'] = process.argv.slice(2);
/** An IPv4 client of a socket for both families is `::ffff:192.0.2.2`. */
const answerTo = (address = '') => `${name} ${address.replace(/^::ffff:/, '')}`;

const tcp = createServer((socket) => {
  socket.on('error', () => socket.destroy());
  socket.end(answerTo(socket.remoteAddress));
});
const udp = createSocket('udp6', (_message, from) => {
  udp.send(answerTo(from.address), from.port, from.address, () => undefined);
});
tcp.listen({ port: Number(port), host: '::', backlog: 4096 }, () => {
  udp.bind(Number(port), '::', () => process.stdout.write('listening\n'));
});
