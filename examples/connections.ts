import { Conntrack, type Flow, type FlowFilter } from 'nftlink/conntrack';

/**
 * Connections to a server: connections.ts list|watch|delete ADDRESS [NETNS]. `list` prints those that there are, `watch` what becomes of
 * them until SIGINT or SIGTERM, `delete` forgets them: their next packets are looked at as if they were the first.
 */
const [command, address, path] = process.argv.slice(2);
if (address === undefined) throw new Error('usage: connections.ts list|watch|delete ADDRESS [NETNS]');
await using conntrack = Conntrack.open(path === undefined ? {} : { netns: { path } });

/** The original direction is that of the first packet: here, to the address that the client asked for. */
const toServer: FlowFilter = { protocol: 'tcp', original: { destination: address } };

/** `10.0.0.2:41000 -> 10.0.0.1:80 established, answered by 10.244.1.2:8080`. */
function textOf({ original, reply, tcpState }: Flow): string {
  const asked = `${original.source}:${original.sourcePort} -> ${original.destination}:${original.destinationPort}`;
  // With NAT it is not the address that was asked for.
  return `${asked} ${tcpState ?? 'ended'}, answered by ${reply.source}:${reply.sourcePort}`;
}

async function list(): Promise<void> {
  for (const flow of await conntrack.list(toServer)) process.stdout.write(`${textOf(flow)}\n`);
}

async function watch(): Promise<void> {
  const end = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => end.abort());
  const events = conntrack.events({ filter: toServer, kinds: ['new', 'destroy'], signal: end.signal });
  process.stdout.write(`watching connections to ${address}\n`);
  for await (const event of events) {
    process.stdout.write(event.kind === 'gap' ? 'some were lost\n' : `${event.kind} ${textOf(event.flow)}\n`);
  }
}

async function forget(): Promise<void> {
  const { deleted, alreadyGone, failed } = await conntrack.delete(toServer);
  process.stdout.write(`${deleted} deleted, ${alreadyGone} had ended, ${failed.length} failed\n`);
}

switch (command) {
  case 'list':
    await list();
    break;
  case 'watch':
    await watch();
    break;
  case 'delete':
    await forget();
    break;
  default:
    throw new Error(`${command} is not list, watch or delete`);
}
