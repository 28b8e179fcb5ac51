import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vitest/config';

const browser = { testTimeout: 180_000, hookTimeout: 120_000, fileParallelism: false, environment: 'node' } as const;

export default defineConfig({
  test: {
    projects: [
      { plugins: [svelte()], test: { name: 'unit', include: ['src/**/*.test.ts'] } },
      { test: { name: 'e2e', include: ['tests/**/*.e2e.ts'], ...browser } },
      { test: { name: 'shots', include: ['tests/shots.ts'], ...browser, testTimeout: 900_000 } },
    ],
  },
});
