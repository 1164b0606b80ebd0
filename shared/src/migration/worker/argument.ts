/** Command-line argument that makes a bundle the worker of a run instead of the action. */
export const workerArgument = '--migration-worker';
