import { readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { compileFunction } from 'node:vm';
import { transform } from 'sucrase';
import { refuseDecorators } from './decorators.ts';

export interface Compiled {
  readonly format: 'module' | 'commonjs';
  readonly source: string;
}

/** Removes the types of a TypeScript file; lines stay where they are. Files of CommonJS projects become CommonJS, as ts-node does it. Throws `DecoratorsFound`. */
export function compile(url: string): Compiled {
  const file = fileURLToPath(url);
  const source = readFileSync(file, 'utf8');
  const script: Compiled = { format: 'commonjs', source: strip(source, file, ['typescript', 'imports']) };
  refuseDecorators(script.source, file);
  const asModule = (): Compiled => ({ format: 'module', source: strip(source, file, ['typescript']) });
  if (file.endsWith('.mts') || (file.endsWith('.ts') && packageType(path.dirname(file)) === 'module')) return asModule();
  return file.endsWith('.cts') || isScript(script.source) ? script : asModule();
}

function strip(source: string, filePath: string, transforms: ('typescript' | 'imports')[]): string {
  return transform(source, { transforms, filePath, preserveDynamicImport: true, disableESTransforms: true }).code;
}

/** Whether code runs as CommonJS: not with a top-level `await` or `import.meta`. */
function isScript(code: string): boolean {
  try {
    compileFunction(code, ['exports', 'require', 'module', '__filename', '__dirname']);
    return true;
  } catch {
    return false;
  }
}

/** The `type` of the nearest package.json. */
function packageType(folder: string): string | undefined {
  try {
    return (JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8')) as { type?: string }).type ?? 'commonjs';
  } catch {
    const parent = path.dirname(folder);
    return parent === folder ? undefined : packageType(parent);
  }
}
