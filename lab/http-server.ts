import { createServer } from 'node:http';

/** An HTTP server that answers every request with its name: `node http-server.ts NAME PORT`. */
const [name = 'server', port = '8080'] = process.argv.slice(2);
const server = createServer((_request, response) => {
  response.setHeader('connection', 'close');
  response.end(name);
});
server.listen({ port: Number(port), host: '::', backlog: 4096 }, () => process.stdout.write('listening\n'));
