import { mkdtempSync, rmSync } from 'node:fs';
import { cpus, release, tmpdir } from 'node:os';
import { join } from 'node:path';
import { Lab } from '../lab/lab.ts';
import { benchElements } from './elements.ts';
import { benchFullLoad } from './full-load.ts';
import { benchListing } from './listing.ts';
import { benchOneElement } from './one-element.ts';
import { benchKubeProxy, benchLargest, benchProxier } from './proxier.ts';
import { benchRules } from './rules.ts';
import { benchSync } from './sync.ts';

/** All measurements of one run, side by side: what counts is the ratios. */
const lab = new Lab('nftlink-bench');
const folder = mkdtempSync(join(tmpdir(), 'nftlink-bench-'));
process.once('exit', () => {
  lab.closeSync();
  rmSync(folder, { recursive: true, force: true });
});
process.once('SIGINT', () => process.exit(130));

const host = lab.host('bench');
const version = lab.run(host, 'nft', '--version').trim();
process.stdout.write(
  `Linux ${release()}, ${cpus().length} CPUs, Node ${process.version}, ${version}; medians\n`,
);
const parts: Readonly<Record<string, () => Promise<void>>> = {
  'one-element': () => benchOneElement(lab, host, folder),
  rules: () => benchRules(lab, host, folder),
  elements: () => benchElements(lab, host, folder),
  listing: () => benchListing(lab, host),
  sync: () => benchSync(lab, host),
  'full-load': () => benchFullLoad(lab, host, folder),
  proxier: () => benchProxier(lab),
  'kube-proxy': () => benchKubeProxy(lab),
  largest: async () => benchLargest(lab),
};
/** `npm run bench -- rules listing` measures only these. */
const wanted = process.argv.slice(2);
for (const name of wanted) if (!(name in parts)) throw new Error(`${name}: not one of ${Object.keys(parts)}`);
for (const [name, measure] of Object.entries(parts)) {
  if (wanted.length === 0 || wanted.includes(name)) await measure();
}
