import type { PostStory } from '@migration-guard/shared/action/run';
import { releaseToken, type LockToken } from '@migration-guard/shared/migration/lock';
import { stopOperations } from '@migration-guard/shared/migration/operations';
import { connect } from '@migration-guard/shared/mongo/connect';
import { Secret } from '@migration-guard/shared/redaction/secret';
import { removeLeftCopy } from '@migration-guard/shared/rehearsal/left-copy';
import type { spec } from '../spec.ts';
import { appNameOf, copyState, lockState } from './identity.ts';

/** Cleans up after a killed process: its lock, what it left running on the server, and the copy of a rehearsal. */
export const post: PostStory<typeof spec> = async (inputs, context) => {
  await releaseLock(inputs, context);
  await removeCopy(inputs, context);
};

type Post = Parameters<PostStory<typeof spec>>;

async function releaseLock({ uri }: Post[0], { log, state }: Post[1]): Promise<void> {
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
}

/** A copy on a server of its own ends with it. */
async function removeCopy({ uri, rehearseOn }: Post[0], { log, state }: Post[1]): Promise<void> {
  const saved = state(copyState);
  const place = rehearseOn === 'same-server' ? uri : rehearseOn;
  if (saved === '' || place === undefined) return;
  const token = JSON.parse(saved) as LockToken;
  await using connection = await connect(typeof place === 'string' ? new Secret(place) : place);
  await stopOperations(connection.client, appNameOf(token), log);
  if (await removeLeftCopy(connection.client, token))
    log.warning(`The step ended without removing its copy ${token.database}; it is gone now.`);
}
