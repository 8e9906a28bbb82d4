import test from 'tap';
import { bufferSource, readAll } from '../../src/base/source.js';
import { Plan, planned } from '../../src/media/plan.js';

const source = bufferSource(Buffer.from('0123456789abcdef'));

test.test('a plan reads alike whole, in pieces and byte by byte', async (t) => {
  const plan = new Plan().copy(2, 3).bytes(Buffer.from('XY')).copy(10, 2).copy(12, 4).bytes(Buffer.from('Z'));
  t.equal(plan.pieces.length, 4, 'neighbouring copies are one piece');
  const result = planned(source, plan);
  const whole = '234XYabcdefZ';
  t.equal(result.size, whole.length);
  t.equal((await readAll(result)).toString(), whole);
  for (let offset = 0; offset <= whole.length; offset++) {
    for (let length = 0; length <= whole.length + 1; length++) {
      t.equal((await result.read(offset, length)).toString(), whole.slice(offset, offset + length));
      const out = Buffer.alloc(length);
      const came = await result.readInto!(offset, out);
      t.equal(out.toString('latin1', 0, came), whole.slice(offset, offset + length));
    }
  }
});

test.test('an empty plan is an empty file', async (t) => {
  const result = planned(source, new Plan().copy(3, 0).bytes(Buffer.alloc(0)));
  t.equal(result.size, 0);
  t.equal((await result.read(0, 10)).length, 0);
});
