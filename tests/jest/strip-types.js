// Node's own type stripping as a Jest transformer: whitespace keeps every line and column where it was.
import { createHash } from 'node:crypto';
import { stripTypeScriptTypes } from 'node:module';

process.removeAllListeners('warning');

export default {
  process: (source) => ({ code: stripTypeScriptTypes(source) }),
  getCacheKey: (source) => createHash('sha256').update(source).update(process.version).digest('hex'),
};
