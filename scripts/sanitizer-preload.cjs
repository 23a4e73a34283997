// Loaded into every Node.js of the sanitized tests. Leaks are looked for when a process exits, but vitest ends its own by signals:
// SIGTERM becomes an exit, and SIGKILL, half a second later, waits until the report is written.
const { ChildProcess } = require('node:child_process');

const REPORT_MS = 60_000;

process.on('SIGTERM', () => process.exit());

const { kill } = ChildProcess.prototype;
ChildProcess.prototype.kill = function (signal) {
  if (signal !== 'SIGKILL') return kill.call(this, signal);
  setTimeout(() => kill.call(this, signal), REPORT_MS).unref();
  return true;
};
