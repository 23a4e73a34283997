// Loaded into every Node.js of the sanitized tests. Leaks are looked for when a process exits, but vitest ends its own by signals:
// SIGTERM becomes an exit, and SIGKILL, half a second later, waits until the report is written. Programs that tests start are not
// vitest's: they are killed at once.
const { ChildProcess } = require('node:child_process');

const REPORT_MS = 60_000;

process.on('SIGTERM', () => process.exit());

const { kill } = ChildProcess.prototype;
ChildProcess.prototype.kill = function (signal) {
  const isOfVitest = this.spawnargs.some((argument) => argument.includes('/vitest/'));
  if (signal !== 'SIGKILL' || !isOfVitest) return kill.call(this, signal);
  setTimeout(() => kill.call(this, signal), REPORT_MS).unref();
  return true;
};
