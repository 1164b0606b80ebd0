/** The address in its normal form if it is one of the web, so that no report links to `javascript:` or the like. */
export function webAddress(text: string): string | undefined {
  const url = URL.parse(text);
  return url !== null && (url.protocol === 'https:' || url.protocol === 'http:') ? url.href : undefined;
}
