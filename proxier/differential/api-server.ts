/**
 * The part of the Kubernetes API that kube-proxy uses, over plain HTTP and in JSON. A program of its own, since it must listen in
 * kube-proxy's network namespace: prints its port, then takes one {@link ApiChanges} a line on standard input and answers each with an
 * empty line. Ends with its standard input.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createInterface } from 'node:readline';
import { ApiCollection, type ApiEvent } from './api-collection.ts';
import type { ApiObject } from './api-objects.ts';
import { readSelector } from './api-selector.ts';

/** The resources that are served, by their paths. */
const RESOURCES = {
  nodes: { path: '/api/v1/nodes', kind: 'Node', apiVersion: 'v1' },
  services: { path: '/api/v1/services', kind: 'Service', apiVersion: 'v1' },
  endpointSlices: {
    path: '/apis/discovery.k8s.io/v1/endpointslices',
    kind: 'EndpointSlice',
    apiVersion: 'discovery.k8s.io/v1',
  },
  serviceCidrs: {
    path: '/apis/networking.k8s.io/v1/servicecidrs',
    kind: 'ServiceCIDR',
    apiVersion: 'networking.k8s.io/v1',
  },
} as const;
export type Resource = keyof typeof RESOURCES;
const NAMES = Object.keys(RESOURCES) as Resource[];

/** Objects that are there from now on, and names (`namespace/name`) of those that are not. */
export interface ApiChanges {
  readonly resource: Resource;
  readonly set: readonly ApiObject[];
  readonly deleted: readonly string[];
}

const collections = new Map(NAMES.map((name) => [name, new ApiCollection()]));
let version = 1;

function collectionOf(resource: Resource): ApiCollection {
  const collection = collections.get(resource);
  if (collection === undefined) throw new Error(`no resource ${resource}`);
  return collection;
}

function apply({ resource, set, deleted }: ApiChanges): void {
  const collection = collectionOf(resource);
  for (const name of deleted) collection.delete(name, ++version);
  for (const object of set) collection.set(object, ++version);
}

function answer(request: IncomingMessage, response: ServerResponse): void {
  const url = new URL(request.url ?? '/', 'http://api-server');
  const resource = NAMES.find((name) => url.pathname === RESOURCES[name].path);
  if (request.method === 'POST' && url.pathname.endsWith('/events')) accept(request, response);
  else if (resource !== undefined && request.method === 'GET') serve(resource, url.searchParams, response);
  else if (url.pathname.startsWith(`${RESOURCES.nodes.path}/`)) getNode(url.pathname, response);
  else
    send(response, 404, {
      kind: 'Status',
      apiVersion: 'v1',
      status: 'Failure',
      reason: 'NotFound',
      code: 404,
    });
}

/** Events are taken and forgotten. */
function accept(request: IncomingMessage, response: ServerResponse): void {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => send(response, 201, JSON.parse(Buffer.concat(chunks).toString('utf8'))));
}

function getNode(path: string, response: ServerResponse): void {
  const name = path.slice(path.lastIndexOf('/') + 1);
  const [node] = collectionOf('nodes').list(({ metadata }) => metadata.name === name);
  if (node !== undefined) send(response, 200, node);
  else
    send(response, 404, {
      kind: 'Status',
      apiVersion: 'v1',
      status: 'Failure',
      reason: 'NotFound',
      code: 404,
    });
}

function serve(resource: Resource, query: URLSearchParams, response: ServerResponse): void {
  const selector = readSelector(query);
  const { kind, apiVersion } = RESOURCES[resource];
  const collection = collectionOf(resource);
  if (query.get('watch') === null) {
    const metadata = { resourceVersion: String(version) };
    send(response, 200, { kind: `${kind}List`, apiVersion, metadata, items: collection.list(selector) });
    return;
  }
  response.writeHead(200, { 'content-type': 'application/json' });
  const tell = (event: ApiEvent | object): void => {
    response.write(`${JSON.stringify(event)}\n`);
  };
  let since = Number(query.get('resourceVersion') ?? 0);
  if (query.get('sendInitialEvents') === 'true') {
    since = version;
    for (const object of collection.list(selector)) tell({ type: 'ADDED', object });
    const annotations = { 'k8s.io/initial-events-end': 'true' };
    const metadata = { resourceVersion: String(since), annotations };
    tell({ type: 'BOOKMARK', object: { kind, apiVersion, metadata } });
  }
  response.flushHeaders();
  response.once('close', collection.watch(since, selector, tell));
}

function send(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
}

const server = createServer(answer);
server.listen(0, '127.0.0.1', () => {
  process.stdout.write(`${(server.address() as AddressInfo).port}\n`);
});
const lines = createInterface({ input: process.stdin });
lines.on('line', (line) => {
  for (const changes of JSON.parse(line) as readonly ApiChanges[]) apply(changes);
  process.stdout.write('\n');
});
lines.once('close', () => process.exit(0));
