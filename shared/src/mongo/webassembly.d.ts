/** The part of WebAssembly that is used: without the library of browsers TypeScript knows none. */
declare namespace WebAssembly {
  const Module: new (bytes: Uint8Array) => object;
  const Instance: new (module: object) => { readonly exports: unknown };

  interface Memory {
    readonly buffer: ArrayBuffer;
    /** Grows by pages of 64 KiB. */
    grow(pages: number): number;
  }
}
