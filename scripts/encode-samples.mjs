// Prints what an addon makes of packed transactions: encode-samples.mjs ADDON FOLDER.
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';

const [, , addon, folder] = process.argv;
const native = createRequire(import.meta.url)(resolve(addon));
for (const file of readdirSync(folder).sort()) {
  const bytes = native.encode(readFileSync(join(folder, file)));
  console.log(`${file} ${bytes.length} ${createHash('sha256').update(bytes).digest('hex')}`);
}
