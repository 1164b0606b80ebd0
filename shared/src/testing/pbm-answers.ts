import type { PbmReply } from './pbm.ts';

/** Answers of `pbm --out=json` for a sharded cluster of two shards. */
const agent = (host: string, ok = true) => ({
  host,
  agent: 'v2.15.0',
  role: 'P',
  prio_pitr: '',
  prio_backup: '',
  ok,
  ...(ok ? {} : { errors: ['lost agent'] }),
});

export const pbmVersion: PbmReply = {
  out: {
    Version: '2.15.0',
    Platform: 'linux/amd64',
    GitCommit: '6f9fc3b',
    GitBranch: 'main',
    BuildTime: '2026-07-01_08:23_UTC',
    GoVersion: 'go1.25',
  },
};

export function pbmStatus(ok = true): PbmReply {
  return {
    out: {
      cluster: [
        { rs: 'cfg', nodes: [agent('cfg:27019')] },
        { rs: 'rs1', nodes: [agent('rs1:27018', ok)] },
        { rs: 'rs2', nodes: [agent('rs2:27018')] },
      ],
    },
  };
}

export const pbmName = '2026-11-21T10:00:00Z';
export const pbmStarted: PbmReply = { out: { name: pbmName, storagePath: 's3://pbm/backups' } };

export function pbmBackup(status: string, error?: string): PbmReply {
  const set = (name: string) => ({
    name,
    status,
    node: `${name}:27018`,
    size: 400,
    size_uncompressed: 900,
    size_uncompressed_h: '900 B',
    last_write_ts: 1_795_255_203,
    last_transition_ts: 1_795_255_210,
    last_write_time: '2026-11-21T10:00:03Z',
    last_transition_time: '2026-11-21T10:00:10Z',
    ...(name === 'cfg' ? { configsvr: true } : {}),
    ...(error === undefined || name !== 'rs1' ? {} : { error }),
  });
  return {
    out: {
      name: pbmName,
      opid: '6841cc7f1f576b79efb26752',
      type: 'logical',
      last_write_ts: 1_795_255_203,
      last_transition_ts: 1_795_255_210,
      last_write_time: '2026-11-21T10:00:03Z',
      last_transition_time: '2026-11-21T10:00:10Z',
      sel_user_and_roles: false,
      mongodb_version: '8.0.12-4',
      fcv: '8.0',
      pbm_version: '2.15.0',
      status,
      size: 1_200,
      size_uncompressed: 2_700,
      size_h: '1.2 KiB',
      size_uncompressed_h: '2.6 KiB',
      storage_type: 's3',
      ...(error === undefined ? {} : { error }),
      replsets: ['cfg', 'rs1', 'rs2'].map(set),
    },
  };
}

export const pbmRestoreName = '2026-11-21T11:00:00.123456789Z';

export function pbmRestore(status: string, error?: string): PbmReply {
  const times = { last_transition_ts: 1_795_258_800, last_transition_time: '2026-11-21T11:00:00Z' };
  const sets = ['cfg', 'rs1'].map((name) => ({ name, status, ...times, ...(error === undefined || name !== 'rs1' ? {} : { error }) }));
  return { out: { name: pbmRestoreName, opid: '6841cc7f', backup: pbmName, type: 'logical', status, ...times, replsets: sets } };
}

export const pbmAbsent: PbmReply = { out: { Error: 'get backup meta: not found' }, exitCode: 1 };
