// The application of the demo: node demo/app/server.ts <folder with app.json>. Started and stopped by control.ts.
import { createServer } from 'node:http';
import { MongoClient } from 'mongodb';
import { createApi } from './api.ts';
import { isRunning, readSettings } from './settings.ts';

const [folder = ''] = process.argv.slice(2);
const { uri, database, port, owner } = await readSettings(folder);
const client = await MongoClient.connect(uri, { serverSelectionTimeoutMS: 5_000 });
const api = createApi(client.db(database));
const server = createServer((request, response) => {
  // A connection that is kept busy would never become idle.
  if (!server.listening) response.setHeader('connection', 'close');
  api(request, response);
});

process.on('SIGTERM', () => {
  server.close(() => void client.close().then(() => process.exit(0)));
  server.closeIdleConnections();
});
setInterval(() => isRunning(owner) || process.exit(1), 500).unref();
server.listen(port, '127.0.0.1', () => console.log(`listening on port ${port}`));
