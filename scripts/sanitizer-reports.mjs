// Reads the reports that the sanitizers left in a folder; fails on any but leaks that are not the addon's own.
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const LEAKS = 'LeakSanitizer: detected memory leaks';
const ADDON = `${dirname(dirname(fileURLToPath(import.meta.url)))}/native/`;

/** The addon's own: its code is on the stack, and Node.js is not between it and the allocation (what Node-API keeps is its own). */
function isOurs(leak) {
  const frames = leak.split('\n').filter((line) => /^\s+#\d+ /.test(line));
  const ours = frames.findIndex((frame) => frame.includes(ADDON));
  return ours >= 0 && !frames.slice(0, ours).some((frame) => frame.includes(process.execPath));
}

/** What counts in one report: all of it, or of a list of leaks those of the addon. */
function findings(report) {
  if (!report.includes(LEAKS)) return report.trim() === '' ? [] : [report];
  return report.split('\n\n').filter((part) => / leak of /.test(part) && isOurs(part));
}

const [, , folder] = process.argv;
const files = readdirSync(folder);
const found = files.flatMap((file) => findings(readFileSync(join(folder, file), 'utf8')));
for (const report of found) console.error(`${report}\n`);
console.log(`sanitizers: ${files.length} reports, ${found.length} findings about the addon`);
process.exitCode = found.length === 0 ? 0 : 1;
