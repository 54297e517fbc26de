// Another worker's use of a shared dispatcher.
import { parentPort, workerData } from 'node:worker_threads';
import { attach } from 'trapline/shared';

const view = attach(workerData, { host: { mapPage: () => new Uint8Array(4096).fill(0x5a) } });
view.write(0xfe000000, 4, 0xfee00000);
const values = [view.read(0xfe000800, 4)];
values.push(view.find('01:00.0').setDecode(false), view.read(0xfe000000, 4));
parentPort.postMessage(values);
