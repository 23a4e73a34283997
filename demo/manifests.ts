import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** A Service as people write it: no clusterIP. The proxier gives it one. */
const SERVICE = `apiVersion: v1
kind: Service
metadata:
  name: web
spec:
  ports:
    - name: http
      port: 80
      targetPort: 8080
`;

export function writeService(folder: string): void {
  writeWhole(join(folder, 'web.yaml'), SERVICE);
}

/** The EndpointSlice of the Service: which backends take its connections. */
export function writeEndpoints(folder: string, addresses: readonly string[]): void {
  const endpoints = addresses.map((address) => `  - addresses: [${address}]\n`).join('');
  writeWhole(
    join(folder, 'web-endpoints.yaml'),
    `apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata:
  name: web-1
  labels:
    kubernetes.io/service-name: web
addressType: IPv4
ports:
  - name: http
    port: 8080
endpoints:${endpoints === '' ? ' []' : `\n${endpoints}`}
`,
  );
}

/** As an editor saves a file: the new one takes the old one's place. */
function writeWhole(path: string, text: string): void {
  writeFileSync(`${path}.new`, text);
  renameSync(`${path}.new`, path);
}
