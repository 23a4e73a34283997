import { mkdtempSync, rmSync } from 'node:fs';
import { cpus, release, tmpdir } from 'node:os';
import { join } from 'node:path';
import { Lab } from '../lab/lab.ts';
import { benchElements } from './elements.ts';
import { benchListing } from './listing.ts';
import { benchOneElement } from './one-element.ts';
import { benchRules } from './rules.ts';
import { benchChanges, benchFullLoad } from './services.ts';

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
await benchOneElement(lab, host, folder);
await benchRules(lab, host, folder);
await benchElements(lab, host, folder);
await benchListing(lab, host);
await benchFullLoad(lab, host, folder);
await benchChanges(host);
