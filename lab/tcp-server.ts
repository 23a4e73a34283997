import { createServer } from 'node:net';

/** A TCP server that says its name and closes: `node tcp-server.ts NAME PORT`. */
const [name = 'server', port = '8080'] = process.argv.slice(2);
const server = createServer((socket) => {
  socket.on('error', () => socket.destroy());
  socket.end(name);
});
server.listen({ port: Number(port), host: '::', backlog: 4096 }, () => process.stdout.write('listening\n'));
