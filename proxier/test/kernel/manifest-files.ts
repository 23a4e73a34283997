import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A folder of manifests of a test, deleted with `remove`. */
export class ManifestFiles {
  readonly path = mkdtempSync(join(tmpdir(), 'nft-proxier-test-'));

  /** Writes a file of objects as a whole, as editors do. */
  write(file: string, ...objects: readonly object[]): void {
    this.writeText(file, JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects }, null, 1));
  }

  writeText(file: string, text: string): void {
    writeFileSync(join(this.path, `.${file}.new`), text);
    renameSync(join(this.path, `.${file}.new`), join(this.path, file));
  }

  delete(file: string): void {
    rmSync(join(this.path, file));
  }

  remove(): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

export interface Port {
  readonly name?: string;
  readonly protocol?: 'TCP' | 'UDP' | 'SCTP';
  readonly port: number;
}

/** A Service of the namespace `default`. */
export function service(name: string, ports: readonly Port[], spec: object = {}): object {
  return { apiVersion: 'v1', kind: 'Service', metadata: { name }, spec: { ports, ...spec } };
}

/** An endpoint's address, or the whole endpoint. */
export type EndpointText = string | { readonly addresses: readonly string[]; readonly nodeName?: string };

/** An EndpointSlice of the Service; unless it is named, its address type is in its name. */
export function slice(
  service: string,
  ports: readonly Port[],
  endpoints: readonly EndpointText[],
  name?: string,
): object {
  const items = endpoints.map((endpoint) =>
    typeof endpoint === 'string' ? { addresses: [endpoint] } : endpoint,
  );
  const addressType = items[0]?.addresses[0]?.includes(':') ? 'IPv6' : 'IPv4';
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: {
      name: name ?? `${service}-${addressType.toLowerCase()}`,
      labels: { 'kubernetes.io/service-name': service },
    },
    addressType,
    ports,
    endpoints: items,
  };
}
