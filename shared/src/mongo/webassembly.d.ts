/** The part of WebAssembly that is used: without the library of browsers TypeScript knows none. */
declare namespace WebAssembly {
  interface Module {
    readonly [Symbol.toStringTag]: 'WebAssembly.Module';
  }
  const Module: new (bytes: Uint8Array) => Module;
  const Instance: new (module: Module) => { readonly exports: unknown };

  interface Memory {
    readonly buffer: SharedArrayBuffer;
    /** Grows by pages of 64 KiB. */
    grow(pages: number): number;
  }
}
