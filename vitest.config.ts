import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    reporters: ['default', './test/proof-reporter.ts'],
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/unit/**/*.test.ts', 'proxier/test/unit/**/*.test.ts'],
          // Those that try many random inputs take longer where others use the machine too.
          testTimeout: 60_000,
        },
      },
      {
        // Each file is a process of its own; one at a time, since packets and timings share two cores.
        test: {
          name: 'kernel',
          include: ['test/{kernel,lifetime}/**/*.test.ts', 'proxier/test/kernel/**/*.test.ts'],
          pool: 'forks',
          fileParallelism: false,
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
    ],
  },
});
