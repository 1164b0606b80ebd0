import { silentLog } from '../log/log.ts';
import { connect } from '../mongo/connect.ts';
import { Secret } from '../redaction/secret.ts';
import { latestPoint } from '../rollback/point.ts';
import { openSceneUndo, possible } from './undo-scene.ts';

// A process that undoes what was done to a database since its newest rollback point, to be killed in the middle.
const [uri = '', database = '', folder = ''] = process.argv.slice(2);
const connection = await connect(new Secret(uri));
const point = await latestPoint(connection.client, database);
const scene = { client: connection.client, uri, db: connection.client.db(database), folder };
await using opened = await openSceneUndo(scene, point, { log: silentLog });
process.stdout.write('begin\n');
await possible(opened.undo).carryOut();
process.stdout.write('done\n');
process.exit(0);
