export default {
  testEnvironment: 'node',
  testEnvironmentOptions: { customExportConditions: ['source', 'node', 'node-addons'] },
  extensionsToTreatAsEsm: ['.ts'],
  transform: { '\\.ts$': '<rootDir>/tests/jest/strip-types.js' },
  testMatch: ['<rootDir>/{shared,action-*,scripts,demo,tests}/**/*.test.ts'],
  testPathIgnorePatterns: ['/node_modules/', '/lib/', '/dist/', '\\.(browser|conformance|workflow|s3|stock)\\.test\\.ts$'],
  modulePathIgnorePatterns: ['<rootDir>/.*/lib/', '<rootDir>/.*/dist/'],
  globalSetup: '<rootDir>/tests/jest/start-servers.js',
  globalTeardown: '<rootDir>/tests/jest/stop-servers.js',
  reporters: ['default', '<rootDir>/tests/jest/closing-line.js'],
  // migrate-mongo's own suite asks for the package with the download.
  moduleNameMapper: { '^mongodb-memory-server$': 'mongodb-memory-server-core' },
  testTimeout: 60_000,
  maxWorkers: 2,
};
