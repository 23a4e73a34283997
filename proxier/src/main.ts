#!/usr/bin/env node
import { cleanup } from './cleanup.ts';
import { explain } from './explain/explain.ts';
import { commandLine } from './options.ts';
import { run } from './run.ts';
import { status } from './status/status.ts';

try {
  await commandLine({ run, cleanup, explain, status }).parseAsync();
} catch (error) {
  process.stderr.write(`nft-proxier: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
