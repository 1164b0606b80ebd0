export default async function stop() {
  await globalThis.__migrationGuardServer?.stop();
}
