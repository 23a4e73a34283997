import { Nftables } from 'nftlink';
import { afterEach, describe, expect, it } from 'vitest';
import { Lab } from '../../../lab/lab.ts';
import { DEFAULT_NODE } from '../../cluster-generator/node-config.ts';
import { seeded } from '../../cluster-generator/random.ts';
import { randomChange } from '../../cluster-generator/random-change.ts';
import { randomCluster } from '../../cluster-generator/random-cluster.ts';
import { OurProxier } from '../../differential/our-proxier.ts';
import { Pictures } from '../../random-walk/pictures.ts';
import { pictureDifference } from '../../random-walk/table-picture.ts';
import { walk } from '../../random-walk/walk.ts';

let lab: Lab | undefined;

afterEach(async () => {
  await lab?.close();
  lab = undefined;
});

describe('a random walk', () => {
  it('finds the kernel as a fresh build would make it after every step', { timeout: 300_000 }, async () => {
    const { signal } = new AbortController();
    const { misstep, steps, packets } = await walk({ seed: 5, steps: 40, packetsEvery: 4, signal });
    expect(misstep).toBeUndefined();
    expect({ steps, packets }).toEqual({ steps: 40, packets: 600 });
  });
});

describe('the picture of a table', () => {
  it('is the same however a cluster came about, and shows an element that is not', async () => {
    lab = new Lab('picture');
    const [changed, built] = [lab.host('changed'), lab.host('built')];
    const random = seeded(8);
    const first = { cluster: randomCluster(random), zone: undefined };
    const { after } = randomChange(random, randomChange(random, first).after);
    await using left = new OurProxier(changed.netnsPath);
    await left.start(DEFAULT_NODE, first);
    await left.change(after);
    await left.stop();
    await using right = new OurProxier(built.netnsPath);
    await right.start(DEFAULT_NODE, after);
    await using leftNft = Nftables.open({ netns: { path: changed.netnsPath } });
    await using rightNft = Nftables.open({ netns: { path: built.netnsPath } });
    const fresh = await new Pictures(rightNft).take();
    expect(pictureDifference(fresh, await new Pictures(leftNft).take())).toEqual([]);
    lab.load(changed, 'add element ip kube-proxy refused { 192.0.2.1 . tcp . 80 }');
    expect(pictureDifference(fresh, await new Pictures(leftNft).take())).toEqual([
      '+ ip refused: c00002010600000000500000 is ',
    ]);
    lab.load(changed, 'add rule ip kube-proxy services counter');
    const difference = pictureDifference(fresh, await new Pictures(leftNft).take());
    expect(difference.filter((line) => line.startsWith('+ ip chain services'))).toHaveLength(1);
  });
});
