import { createServer } from 'node:net';

/**
 * A TCP server that says its name and closes: `node tcp-server.ts NAME PORT`. With `client-closes` behind it, the client has to close
 * first: then the server keeps no connection in TIME_WAIT, and a masqueraded client that comes from the same port is not taken for
 * one of an older connection, which would cost it a second.
 */
const [name = 'server', port = '8080', mode = ''] = process.argv.slice(2);
const clientCloses = mode === 'client-closes';
const server = createServer({ allowHalfOpen: clientCloses }, (socket) => {
  socket.on('error', () => socket.destroy());
  if (!clientCloses) {
    socket.end(name);
    return;
  }
  socket.write(name);
  socket.on('end', () => socket.end());
  socket.resume();
});
server.listen({ port: Number(port), host: '::', backlog: 4096 }, () => process.stdout.write('listening\n'));
