// npm run ensure:act: makes sure of act, which runs our workflows in tests. Exit code 3: neither act nor Go is here.
import { findAct, installAct } from './act.ts';

if (findAct() === undefined && !installAct()) {
  console.error('act: not found, and there is no Go to build it with.');
  process.exit(3);
}
