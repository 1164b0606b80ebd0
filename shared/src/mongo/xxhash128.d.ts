/** The one hash of hash-wasm that is used, without the other twenty: the whole package would weigh 280 KB in every bundle. */
declare module 'hash-wasm/dist/xxhash128.umd.min.js' {
  import type { IHasher } from 'hash-wasm';

  const exported: { createXXHash128(): Promise<IHasher> };
  // oxlint-disable-next-line import/no-default-export -- this is what the package exports
  export default exported;
}
