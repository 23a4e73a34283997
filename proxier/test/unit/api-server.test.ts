import { describe, expect, it } from 'vitest';
import { ApiCollection, type ApiEvent } from '../../differential/api-collection.ts';
import { type ApiObject, endpointSliceObject, serviceObject } from '../../differential/api-objects.ts';
import { readSelector } from '../../differential/api-selector.ts';

function service(name: string, labels: Record<string, string> = {}, clusterIP = '10.0.0.1'): ApiObject {
  const metadata = { name, namespace: 'a', labels };
  return { apiVersion: 'v1', kind: 'Service', metadata, spec: { clusterIP } };
}

const everything = readSelector(new URLSearchParams());

describe('the API server for kube-proxy', () => {
  it('understands the selectors of a request', () => {
    const query = { labelSelector: '!other/proxy', fieldSelector: 'spec.clusterIP!=None' };
    const selects = readSelector(new URLSearchParams(query));
    expect(selects(service('plain'))).toBe(true);
    expect(selects(service('others', { 'other/proxy': '' }))).toBe(false);
    expect(selects(service('headless', {}, 'None'))).toBe(false);
    const byName = readSelector(new URLSearchParams({ fieldSelector: 'metadata.name=plain' }));
    expect([service('plain'), service('fancy')].map(byName)).toEqual([true, false]);
  });

  it('tells watchers everything since a version, once', () => {
    const services = new ApiCollection();
    services.set(service('one'), 1);
    services.set(service('two'), 2);
    const events: ApiEvent[] = [];
    const end = services.watch(1, everything, (event) => events.push(event));
    services.delete('a/one', 3);
    end();
    services.set(service('three'), 4);
    expect(events.map(({ type, object }) => `${type} ${object.metadata.name}`)).toEqual([
      'ADDED two',
      'DELETED one',
    ]);
    expect(events[1]?.object.metadata['resourceVersion']).toBe('3');
  });

  it('lets an object come and go for a watcher as its selector wants it', () => {
    const services = new ApiCollection();
    const events: string[] = [];
    const selects = readSelector(new URLSearchParams({ labelSelector: '!hidden' }));
    services.watch(0, selects, ({ type }) => events.push(type));
    services.set(service('one', { hidden: '' }), 1);
    services.set(service('one'), 2);
    services.set(service('one', { shown: '' }), 3);
    services.set(service('one', { hidden: '' }), 4);
    expect(events).toEqual(['ADDED', 'MODIFIED', 'DELETED']);
    expect(services.list(selects)).toEqual([]);
    expect(services.list(everything)).toHaveLength(1);
  });

  it('fills in the defaults that an API server writes', () => {
    const written = serviceObject({
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'one', namespace: 'a' },
      spec: {
        type: 'LoadBalancer',
        clusterIPs: ['fd00::1'],
        ports: [{ port: 80 }],
        sessionAffinity: 'ClientIP',
      },
      status: { loadBalancer: { ingress: [{ ip: '2001:db8::1' }, { hostname: 'x' }] } },
    });
    expect(written['spec']).toMatchObject({
      clusterIP: 'fd00::1',
      ipFamilies: ['IPv6'],
      internalTrafficPolicy: 'Cluster',
      externalTrafficPolicy: 'Cluster',
      sessionAffinityConfig: { clientIP: { timeoutSeconds: 10_800 } },
      ports: [{ port: 80, protocol: 'TCP' }],
    });
    const ingress = [{ ip: '2001:db8::1', ipMode: 'VIP' }, { hostname: 'x' }];
    expect(written['status']).toEqual({ loadBalancer: { ingress } });
    const slice = endpointSliceObject({
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: { name: 'one-1', namespace: 'a' },
      addressType: 'IPv6',
      endpoints: [],
      ports: [{ port: 80 }],
    });
    expect(slice['ports']).toEqual([{ name: '', protocol: 'TCP', port: 80 }]);
  });
});
