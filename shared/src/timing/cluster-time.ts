/** A cluster time of the form `seconds.increment` as a number that can be compared: seconds in the upper, increment in the lower 32 bits. */
export function timeOfText(text: string): bigint {
  const [seconds = '0', increment = '0'] = text.split('.');
  return (BigInt(seconds) << 32n) | BigInt(increment);
}

/** The `seconds.increment` of a time. */
export function textOfTime(time: bigint): string {
  return `${time >> 32n}.${time & 0xffffffffn}`;
}
