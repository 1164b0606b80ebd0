// npm run ensure:s3: makes sure of the S3 server and of stock age, which are the peers of tests. Exit code 3: they are not here, nor is Go.
import { findProgram, goPrograms, installProgram } from '@migration-guard/shared/testing/go-programs';

for (const name of goPrograms) {
  if (findProgram(name) !== undefined || installProgram(name)) continue;
  console.error(`${name}: not found, and there is no Go to build it with.`);
  process.exit(3);
}
