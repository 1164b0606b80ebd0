import { rm } from 'node:fs/promises';

export default async function stop() {
  if (globalThis.__migrationGuard === undefined) return;
  const { folder, server } = globalThis.__migrationGuard;
  await server.stop();
  await rm(folder, { recursive: true, force: true, maxRetries: 5 });
}
