import type { PostStory } from '@migration-guard/shared/action/run';
import { releaseToken, type LockToken } from '@migration-guard/shared/migration/lock';
import { stopOperations } from '@migration-guard/shared/migration/operations';
import { connect } from '@migration-guard/shared/mongo/connect';
import type { spec } from '../spec.ts';
import { appNameOf, lockState } from './identity.ts';

/** Releases the lock that a killed process left behind, after what it left running on the server was stopped. */
export const post: PostStory<typeof spec> = async ({ uri }, { log, state }) => {
  const saved = state(lockState);
  if (saved === '' || uri === undefined) return;
  const token = JSON.parse(saved) as LockToken;
  await using connection = await connect(uri);
  await stopOperations(connection.client, appNameOf(token), log);
  if (await releaseToken(connection.client.db(token.database), token)) {
    log.warning(
      `The step ended without releasing the lock of ${token.database}; it is free now. Run the mode status before anything else.`,
    );
  }
};
