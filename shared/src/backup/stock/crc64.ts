/** The polynomial of ECMA-182, bits reversed. */
const polynomial = 0xc96c5795d7870f42n;

/** Tables for eight bytes at a time: entry `k * 256 + b` is byte `b`, followed by `k` zero bytes. Low and high halves apart. */
const low = new Int32Array(8 * 256);
const high = new Int32Array(8 * 256);
for (let byte = 0; byte < 256; byte++) {
  let value = BigInt(byte);
  for (let bit = 0; bit < 8; bit++) value = (value & 1n) === 1n ? (value >> 1n) ^ polynomial : value >> 1n;
  low[byte] = Number(BigInt.asIntN(32, value));
  high[byte] = Number(BigInt.asIntN(32, value >> 32n));
}
for (let index = 256; index < low.length; index++) {
  const before = index - 256;
  const byte = low[before]! & 0xff;
  low[index] = ((low[before]! >>> 8) | (high[before]! << 24)) ^ low[byte]!;
  high[index] = (high[before]! >>> 8) ^ high[byte]!;
}

/**
 * CRC-64/XZ, as Go's `crc64.ECMA` and so mongodump compute it: "123456789" gives 0x995DC9BBDF1939FA. Slicing by eight, in 32-bit halves.
 */
export class Crc64 {
  #low = -1;
  #high = -1;

  update(bytes: Buffer): void {
    let crcLow = this.#low;
    let crcHigh = this.#high;
    const whole = bytes.length - (bytes.length % 8);
    let position = 0;
    for (; position < whole; position += 8) {
      const a = crcLow ^ bytes.readInt32LE(position);
      const b = crcHigh ^ bytes.readInt32LE(position + 4);
      const i0 = 1792 + (a & 0xff);
      const i1 = 1536 + ((a >>> 8) & 0xff);
      const i2 = 1280 + ((a >>> 16) & 0xff);
      const i3 = 1024 + (a >>> 24);
      const i4 = 768 + (b & 0xff);
      const i5 = 512 + ((b >>> 8) & 0xff);
      const i6 = 256 + ((b >>> 16) & 0xff);
      const i7 = b >>> 24;
      crcLow = low[i0]! ^ low[i1]! ^ low[i2]! ^ low[i3]! ^ low[i4]! ^ low[i5]! ^ low[i6]! ^ low[i7]!;
      crcHigh = high[i0]! ^ high[i1]! ^ high[i2]! ^ high[i3]! ^ high[i4]! ^ high[i5]! ^ high[i6]! ^ high[i7]!;
    }
    for (; position < bytes.length; position++) {
      const byte = (crcLow ^ bytes[position]!) & 0xff;
      crcLow = ((crcLow >>> 8) | (crcHigh << 24)) ^ low[byte]!;
      crcHigh = (crcHigh >>> 8) ^ high[byte]!;
    }
    this.#low = crcLow;
    this.#high = crcHigh;
  }

  /** As the signed 64-bit integer that an archive holds. */
  value(): bigint {
    return BigInt.asIntN(64, (BigInt(~this.#high >>> 0) << 32n) | BigInt(~this.#low >>> 0));
  }
}
