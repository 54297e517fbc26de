import { type Outcome, parseLine, type Step } from '../../../src/conform/scenario.js';
import type { Policy } from '../../../src/policy.js';

/** What the fuzzer tries: a scenario of `trapline conform`, its first step `scenario`, and the policy that it is for. */
export interface History {
  readonly policy: Policy['name'];
  readonly steps: readonly Step[];
}

/** The scenarios of a file. */
export function historiesOf(text: string, policy: Policy['name']): History[] {
  const histories: Step[][] = [];
  for (const line of text.split('\n')) {
    if (line === '') continue;
    const { step } = parseLine(line);
    if (step.op === 'scenario') histories.push([]);
    histories.at(-1)?.push(step);
  }
  return histories.map((steps) => ({ policy, steps }));
}

/** The file of which `parseLine` makes the same again. */
export function textOf({ steps }: History, outcomes: readonly Outcome[]): string {
  return steps
    .map((step, index) => {
      const { fx, ...outcome } = outcomes[index];
      return `${JSON.stringify({ ...fieldsOf(step), ...outcome, ...(fx.length > 0 && { fx }) })}\n`;
    })
    .join('');
}

function fieldsOf(step: Step): object {
  switch (step.op) {
    case 'scenario': {
      const { op, name, hardware, trapAll, ownPages } = step;
      const flags = { ...(trapAll && { trapall: true }), ...(ownPages && { ownpages: true }) };
      return { op, name, hwdom: hardware, ...flags };
    }
    case 'device': {
      const { op, id, bars, msix, registers } = step;
      const fields = bars.map(({ index, type, address, size, enabled, stuck, hostAddress }) => ({
        index,
        type,
        addr: hex(address),
        size: hex(size),
        enabled: enabled ?? false,
        ...(stuck && { stuck }),
        ...(hostAddress !== undefined && { host: hex(hostAddress) }),
      }));
      const given = registers.map(({ space, offset, width, value }) => {
        return { space, offset, len: width, value: hex(Number(value)) };
      });
      return { op, id, bars: fields, ...(msix && { msix }), ...(given.length > 0 && { registers: given }) };
    }
    case 'read': {
      const { op, address, width, door } = step;
      return { op, addr: hex(address), len: width, ...(door && { door }) };
    }
    case 'write': {
      const { op, address, width, low, high, door } = step;
      const data = ((BigInt(high) << 32n) | BigInt(low)).toString(16);
      return { op, addr: hex(address), len: width, data, ...(door && { door }) };
    }
    case 'control':
      return { op: step.op, id: step.id, value: hex(step.value) };
    case 'bar':
      return { op: step.op, id: step.id, index: step.index, addr: hex(step.address) };
    case 'place': {
      const { op, id, region, size, address } = step;
      return { op, id, region, size, addr: hex(address) };
    }
    case 'mapfail':
      return { op: step.op, page: hex(step.page), fail: step.fail };
    case 'p2m': {
      const { op, page, type, frame } = step;
      return { op, page: hex(page), type, ...(frame !== undefined && { mfn: hex(frame) }) };
    }
    default:
      return step;
  }
}

const hex = (value: number): string => value.toString(16);
